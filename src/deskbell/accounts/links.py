"""Personal links of contacts: the link is the credential, no cookie is read."""

from dataclasses import replace

from deskbell.accounts.office import COMMAND_LINE, Office
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Caller, Link, LinkKind, Permission
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Overwrite
from deskbell.model.ids import SiteId
from deskbell.model.instant import plus
from deskbell.model.people import SYSTEM, Actor


class Links(Office):
    """`/desk/client/…`."""

    async def client_link(
        self, site: SiteId, user_id: str, *, actor: Actor = SYSTEM, origin: Origin = COMMAND_LINE
    ) -> str:
        """A fresh token for a contact's own page, good for 30 days."""
        token, now = new_token(self._random), self._clock.now()
        link = Link(
            site=site,
            id=fresh_id("lnk", self._clock, self._random),
            kind=LinkKind.CLIENT,
            token_hash=digest(token),
            subject=user_id,
            created_at=now,
            expires_at=plus(now, self._limits.client_link_s),
        )
        await self._write(site, (Insert(row=link),), "client_link.create", link.id, actor=actor, origin=origin)
        return token

    async def end_client_links(
        self, site: SiteId, user_id: str, *, actor: Actor = SYSTEM, origin: Origin = COMMAND_LINE
    ) -> int:
        """Every living link of a contact ends; answers how many did."""
        now = self._clock.now()
        async with self._one_at_a_time:
            links = await self._store.accounts.links(site, LinkKind.CLIENT.value)
            living = [one for one in links if one.subject == user_id and one.voided_at is None]
            voided = tuple(Overwrite(row=replace(one, voided_at=now)) for one in living)
            if voided:
                await self._write(site, voided, "client_link.end", user_id, actor=actor, origin=origin)
        return len(voided)

    async def caller_of_client_link(self, token: str) -> tuple[Caller, str] | None:
        """The contact behind the link: a caller with the desk's permissions, and their `userId`."""
        link = await self._store.accounts.link_by_hash(digest(token))
        if link is None or link.kind is not LinkKind.CLIENT or link.voided_at is not None:
            return None
        if link.expires_at <= self._clock.now():
            return None
        permissions = frozenset({Permission.DESK_READ, Permission.DESK_WRITE, Permission.PUBLIC})
        caller = Caller(site=link.site, kind="link", id=link.id, name=link.subject, permissions=permissions)
        return caller, link.subject
