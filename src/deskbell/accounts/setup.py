"""Sites, set-up links, and the first owner. There is no default user and no default password."""

import re
from dataclasses import replace

from deskbell.accounts.office import Office
from deskbell.accounts.passwords import Passwords
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Account, Link, LinkKind, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Overwrite, Replace
from deskbell.model.errors import FaultAt, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.instant import plus
from deskbell.model.people import Actor, ActorKind
from deskbell.model.site import Site
from deskbell.rules.passwords import check_password
from deskbell.rules.text import check_line
from deskbell.rules.ticket_lists import fresh_lists

_MSP = re.compile(r"[a-z][a-z0-9]{0,31}", re.ASCII)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")


class Setup(Office):
    """What happens once, at the beginning."""

    _passwords: Passwords

    async def create_site(self, msp: str, name: str) -> Site:
        """The site of this short name, made with its ticket lists when it is new."""
        if not _MSP.fullmatch(msp):
            detail = "A site's short name is a letter and up to 31 letters or digits, all lower case."
            raise Invalid(detail, faults=(FaultAt(pointer="/msp", code="msp", detail=detail),))
        fault = check_line(name, "/name", self._limits)
        if fault is not None:
            raise Invalid(fault.detail, faults=(fault,))
        known = await self._store.sites.get(SiteId(msp))
        if known is not None:
            return known
        site = Site(site=SiteId(msp), name=name, created_at=self._clock.now())
        changes = (Insert(row=site), Insert(row=fresh_lists(site.site)))
        await self._write(site.site, changes, "site.create", site.site)
        return site

    async def setup_link(self, site: SiteId) -> str:
        """A fresh token for `/setup/…`, good for 24 h and one use; older ones are void from now on."""
        token, now = new_token(self._random), self._clock.now()
        link = Link(
            site=site,
            id=fresh_id("lnk", self._clock, self._random),
            kind=LinkKind.SETUP,
            token_hash=digest(token),
            subject="",
            created_at=now,
            expires_at=plus(now, self._limits.setup_link_s),
        )
        async with self._one_at_a_time:
            old = await self._store.accounts.links(site, LinkKind.SETUP.value)
            living = [one for one in old if not one.subject and one.voided_at is None and one.used_at is None]
            voided = tuple(Overwrite(row=replace(one, voided_at=now)) for one in living)
            await self._write(site, (*voided, Insert(row=link)), "setup_link.create", link.id)
        return token

    async def setup_info(self, token: str) -> Link | None:
        """The link when it can still be used; looking does not use it up."""
        link = await self._store.accounts.link_by_hash(digest(token))
        usable = link is not None and link.kind is LinkKind.SETUP and link.used_at is None and link.voided_at is None
        return link if usable and link is not None and link.expires_at > self._clock.now() else None

    async def create_owner(self, token: str, name: str, email: str, password: str, origin: Origin) -> Account:
        """The owner's account, or a new password for the user of this e-mail address; uses the link up."""
        link = await self._usable(token)
        site = await self._store.sites.get(link.site)
        await self._check_owner(name, email, password, "" if site is None else site.name)
        hashed = await self._passwords.hash(password)
        async with self._one_at_a_time:
            link = await self._usable(token)
            used = Overwrite(row=replace(link, used_at=self._clock.now()))
            known = await self._known_user(link.site, email.lower())
            account = self._owner(link.site, name, email.lower(), hashed, known)
            ended = () if known is None else await self._logins_ended(known)
            written = Insert(row=account) if known is None else Replace(row=account)
            await self._write(
                link.site,
                (written, used, *ended),
                "user.create" if known is None else "user.recover",
                account.id,
                actor=Actor(kind=ActorKind.PERSON, name=name, id=account.id),
                origin=origin,
            )
        return account

    async def _usable(self, token: str) -> Link:
        link = await self.setup_info(token)
        if link is None or link.subject:
            raise NotFound("This link is no longer valid. Ask for a new one with `deskbell init`.")
        return link

    async def _known_user(self, site: SiteId, email: str) -> Account | None:
        users = await self._store.accounts.users(site)
        return next((user for user in users if user.email == email and user.removed_at is None), None)

    def _owner(self, site: SiteId, name: str, email: str, hashed: str, known: Account | None) -> Account:
        fresh = Account(
            site=site,
            id=fresh_id("usr", self._clock, self._random),
            email=email,
            name=name,
            role=Role.OWNER,
            password_hash=hashed,
            created_at=self._clock.now(),
        )
        if known is None:
            return fresh
        # the Operator made this link for somebody who is locked out: an app that was lost does not hold them up
        return replace(
            known,
            name=name,
            role=Role.OWNER,
            password_hash=hashed,
            second_factor=None,
            enrolling=None,
            version=known.version + 1,
        )

    async def _logins_ended(self, user: Account) -> tuple[Overwrite, ...]:
        """A new password ends every login of the user."""
        now = self._clock.now()
        logins = await self._store.accounts.logins(user.site, user.id)
        return tuple(Overwrite(row=replace(one, ended_at=now)) for one in logins if one.ended_at is None)

    async def _check_owner(self, name: str, email: str, password: str, site_name: str) -> None:
        faults = [check_line(name, "/name", self._limits)]
        if not _EMAIL.fullmatch(email) or check_line(email, "/email", self._limits) is not None:
            faults.append(FaultAt(pointer="/email", code="email", detail="Enter an e-mail address."))
        faults.append(check_password(password, email=email, site_name=site_name, limits=self._limits))
        found = tuple(fault for fault in faults if fault is not None)
        if found:
            raise Invalid("Some fields are not valid.", faults=found)
