"""One's own account: the password, and where one is signed in."""

import json
from dataclasses import replace

from deskbell.accounts.logins import person
from deskbell.accounts.second_step import SecondSteps
from deskbell.model.account import Caller, Login
from deskbell.model.audit import Origin
from deskbell.model.changes import Change, Overwrite
from deskbell.model.errors import Forbidden, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.people import Actor, ActorKind
from deskbell.rules.passwords import check_password


class Own(SecondSteps):
    """What no key can do."""

    async def change_password(self, caller: Caller, password: str, origin: Origin) -> str:
        """Other logins end; answers the new cookie value of this one. Confirm first. Raises Invalid."""
        login, account = self._confirmed_login(caller), await self.own_account(caller)
        site = await self._store.sites.get(caller.site)
        name = "" if site is None else site.name
        fault = check_password(password, email=account.email, site_name=name, limits=self._limits)
        if fault is not None:
            raise Invalid(fault.detail, faults=(fault,))
        hashed = await self._passwords.hash(password)
        async with self._one_at_a_time:
            present, now = await self._present(account), self._clock.now()
            after = replace(present, password_hash=hashed, version=present.version + 1)
            fresh, value = self._renewed(login)
            others = [one for one in await self.living_logins(caller.site, caller.id) if one.id != login.id]
            ended: list[Change] = [Overwrite(row=replace(one, ended_at=now)) for one in others]
            await self._put(after, "user.password", origin, (Overwrite(row=fresh), *ended))
        return value

    async def renew(self, caller: Caller, origin: Origin) -> str:
        """A new cookie value for this login, after what it may do has grown."""
        if caller.login is None:
            raise Forbidden
        fresh, value = self._renewed(caller.login)
        actor = Actor(kind=ActorKind.PERSON, name=caller.name, id=caller.id)
        async with self._one_at_a_time:
            present = await self._store.accounts.login_by_hash(caller.login.token_hash)
            if present is None or present.ended_at is not None:
                raise Forbidden
            changes = (Overwrite(row=fresh),)
            await self._write(caller.site, changes, "login.renew", fresh.id, actor=actor, origin=origin)
        return value

    async def living_logins(self, site: SiteId, user_id: str) -> tuple[Login, ...]:
        """Where a user is signed in now, newest first; those that wait for a code too."""
        now = self._clock.now()
        found = await self._store.accounts.logins(site, user_id)
        return tuple(one for one in found if one.ended_at is None and not self._is_over(one, now))

    async def end_logins(
        self, caller: Caller, user_id: str, origin: Origin, *, only: str | None = None, keep: str = ""
    ) -> int:
        """End one login of a user, or all but one; answers how many ended. Raises NotFound for an unknown one."""
        async with self._one_at_a_time:
            known = await self._store.accounts.logins(caller.site, user_id)
            if only is not None and only not in {one.id for one in known}:
                raise NotFound
            now = self._clock.now()
            living = [one for one in known if one.ended_at is None and only in (None, one.id) and one.id != keep]
            ended = tuple(Overwrite(row=replace(one, ended_at=now)) for one in living)
            if ended:
                actor = Actor(kind=ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON, name=caller.name)
                await self._write(
                    caller.site,
                    ended,
                    "login.end",
                    only or user_id,
                    actor=replace(actor, id=caller.id),
                    origin=origin,
                    after=None if only else json.dumps({"ended": [one.id for one in living]}),
                )
        return len(living)

    def _confirmed_login(self, caller: Caller) -> Login:
        """Raises Forbidden unless this person gave their password a moment ago."""
        if caller.login is None or not self.is_confirmed(caller.login):
            raise Forbidden("Confirm it is you: give your password again.", reason="confirm")
        return caller.login


__all__ = ["Own", "person"]
