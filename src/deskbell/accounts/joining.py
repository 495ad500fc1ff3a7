"""Using a user's link: an invited person chooses their first password, another one a new password."""

from dataclasses import dataclass, replace

from deskbell.accounts.setup import Setup
from deskbell.accounts.users import Users
from deskbell.model.account import Account, Link
from deskbell.model.audit import Origin
from deskbell.model.changes import Overwrite, Replace
from deskbell.model.errors import Invalid, NotFound
from deskbell.model.people import Actor, ActorKind
from deskbell.rules.passwords import check_password
from deskbell.rules.text import check_line

NO_LONGER = "This link is no longer valid. Ask for a new one."


@dataclass(frozen=True, kw_only=True)
class OpenedLink:
    """What a set-up link is for."""

    link: Link
    user: Account | None  # None: it makes the owner

    @property
    def kind(self) -> str:
        """`owner`, `invitation` or `password`."""
        if self.user is None:
            return "owner"
        return "invitation" if self.user.password_hash is None else "password"


class Joining(Setup, Users):
    """Opening a link shows a form; only the answer to it uses the link up."""

    async def opened(self, token: str) -> OpenedLink | None:
        """The link when it can still be used."""
        link = await self.setup_info(token)
        if link is None:
            return None
        if not link.subject:
            return OpenedLink(link=link, user=None)
        user = await self._account(link.site, link.subject)
        return None if user is None or user.removed_at is not None else OpenedLink(link=link, user=user)

    async def join(self, token: str, name: str, password: str, origin: Origin) -> Account:
        """The user's password is this one from now on; their logins end, the second factor stays."""
        opened = await self.opened(token)
        if opened is None or opened.user is None:
            raise NotFound(NO_LONGER)
        site = await self._store.sites.get(opened.link.site)
        name = name or opened.user.name
        named = check_line(name, "/name", self._limits)
        site_name = "" if site is None else site.name
        weak = check_password(password, email=opened.user.email, site_name=site_name, limits=self._limits)
        faults = tuple(one for one in (named, weak) if one is not None)
        if faults:
            raise Invalid("Some fields are not valid.", faults=faults)
        hashed = await self._passwords.hash(password)
        async with self._one_at_a_time:
            again = await self.opened(token)
            if again is None or again.user is None:
                raise NotFound(NO_LONGER)
            user = again.user
            after = replace(user, name=name, password_hash=hashed, version=user.version + 1)
            used = Overwrite(row=replace(again.link, used_at=self._clock.now()))
            await self._write(
                user.site,
                (Replace(row=after), used, *await self._ended(user)),
                "user.join" if again.kind == "invitation" else "user.password_reset",
                user.id,
                actor=Actor(kind=ActorKind.PERSON, name=name, id=user.id),
                origin=origin,
            )
        return after
