"""Logins: signing in and out, confirming, and the caller of a cookie."""

from dataclasses import replace

from deskbell.accounts.codes import Codes
from deskbell.accounts.office import times
from deskbell.accounts.passwords import Passwords
from deskbell.accounts.throttle import Throttle
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Account, Caller, Login
from deskbell.model.audit import Origin
from deskbell.model.changes import Change, Insert, Overwrite, Replace, Unit
from deskbell.model.errors import FaultAt, Invalid, Unauthenticated
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.rules.permissions import ROLE_PERMISSIONS

_SEEN_EVERY_S = 60
_AGENT_CHARS = 200
WRONG = "E-mail or password is not right."


def person(account: Account) -> Actor:
    """A user as one who acts."""
    return Actor(kind=ActorKind.PERSON, name=account.name, id=account.id)


class SeveralSites(Exception):
    """E-mail and password are right at several sites: the person chooses one."""

    def __init__(self, sites: tuple[SiteId, ...]) -> None:
        super().__init__(", ".join(sites))
        self.sites = sites


class Logins(Codes):
    """A login is a cookie's 256 random bits; the database knows only their hash."""

    _passwords: Passwords
    _throttle: Throttle

    async def sign_in(
        self, email: str, password: str, address: str, agent: str, *, site: str | None = None
    ) -> tuple[Login, str]:
        """A login and its cookie value; `waits_for` says whether a second step is missing.

        Raises Unauthenticated with one text for everything wrong, or Throttled.

        Who has accounts at several sites with this password, and named none, is asked which: SeveralSites.
        """
        account, step = await self._right_account(email.lower(), password, address, site)
        token, now = new_token(self._random), self._clock.now()
        login = Login(
            site=account.site,
            id=fresh_id("lgn", self._clock, self._random),
            user_id=account.id,
            token_hash=digest(token),
            csrf=new_token(self._random),
            created_at=now,
            seen_at=now,
            confirmed_at=now,
            address=address,
            agent=agent[:_AGENT_CHARS],
            waits_for=step,
        )
        await self._begin(account, login, await self._new_hash(account, password))
        return login, token

    async def _begin(self, account: Account, login: Login, password_hash: str | None) -> None:
        """Write the login; the account remembers when, and gets the new hash if there is one."""
        origin = Origin(address=login.address, request_id="")
        async with self._one_at_a_time:
            now_is = await self._account(account.site, account.id)
            if now_is is None or now_is.removed_at is not None or now_is.password_hash != account.password_hash:
                raise Unauthenticated(WRONG)
            seen = replace(
                now_is,
                last_login_at=now_is.last_login_at if login.waits_for else login.created_at,
                password_hash=password_hash or now_is.password_hash,
                version=now_is.version + 1,
            )
            changes = (Insert(row=login), Replace(row=seen))
            operation = "login.begin" if login.waits_for else "login.create"
            await self._write(account.site, changes, operation, login.id, actor=person(account), origin=origin)

    async def _second_step(self, account: Account) -> str:
        """What is asked for after the password."""
        if account.second_factor is not None:
            return "code"
        site = await self._store.sites.get(account.site)
        return "enrolment" if site is not None and site.second_factor_required else ""

    def _renewed(self, login: Login) -> tuple[Login, str]:
        """The login as it goes on under a new cookie value, with nothing more to wait for."""
        token, now = new_token(self._random), self._clock.now()
        fresh = replace(
            login, token_hash=digest(token), csrf=new_token(self._random), seen_at=now, confirmed_at=now, waits_for=""
        )
        return (replace(fresh, created_at=now) if login.waits_for else fresh), token

    async def _new_hash(self, account: Account, password: str) -> str | None:
        is_old = account.password_hash is not None and self._passwords.is_outdated(account.password_hash)
        return await self._passwords.hash(password) if is_old else None

    async def _right_account(self, email: str, password: str, address: str, site: str | None) -> tuple[Account, str]:
        """The account of e-mail and password, and what else is asked; every other case costs the same, audited."""
        if len(password) > self._limits.password_chars_max:
            detail = f"A password has at most {self._limits.password_chars_max:,} characters."
            raise Invalid(detail, faults=(FaultAt(pointer="/password", code="password_length", detail=detail),))
        await self._learn_addresses()
        self._throttle.enter(address, email)
        right: bool | None = None
        step = ""
        try:
            known = await self._store.accounts.users_by_email(email) if "@" in email else ()
            accounts = tuple(one for one in known if site in (None, one.site))
            found = await self._matching(accounts, password)
            step = await self._second_step(found[0]) if len(found) == 1 else ""
            # half of what is asked for forgives no wrong guesses
            right = False if not found else None if step or len(found) > 1 else True
        finally:
            self._throttle.leave(address, email, right=right)
        if not found:
            await self._refuse(accounts, address)
            raise Unauthenticated(WRONG)
        if len(found) > 1:
            raise SeveralSites(tuple(one.site for one in found))
        return found[0], step

    async def _learn_addresses(self) -> None:
        """In a flood of wrong passwords: where people signed in lately, read at most once a minute."""
        if not self._throttle.wants_addresses():
            return
        now, found = self._clock.now(), dict[str, float]()
        for site in await self._store.sites.all():
            for user in await self._store.accounts.users(site.site):
                for login in await self._store.accounts.logins(site.site, user.id):
                    age_s = (now - login.created_at) / TICKS_PER_SECOND
                    if not login.waits_for:
                        found[login.address] = min(age_s, found.get(login.address, age_s))
        self._throttle.learn(found)

    async def _matching(self, accounts: tuple[Account, ...], password: str) -> tuple[Account, ...]:
        """Those of the accounts (one a site) with this password; for nobody one hash is made in vain."""
        if not accounts:
            await self._passwords.is_right(None, password)
        return tuple([one for one in accounts if await self._passwords.is_right(one.password_hash, password)])

    async def _refuse(self, accounts: tuple[Account, ...], address: str) -> None:
        """A failed login is audited at the user's site; of an unknown user at the only site there is."""
        for account in accounts:
            await self._tell_refused(account.site, account.id, person(account), address)
        sites = await self._store.sites.all() if not accounts else ()
        if len(sites) == 1:
            nobody = Actor(kind=ActorKind.PERSON, name="unknown user")
            await self._tell_refused(sites[0].site, "", nobody, address)

    async def _tell_refused(self, site: SiteId, user_id: str, actor: Actor, address: str) -> None:
        """At once, then once a minute from one address, with a count."""
        count = self._told.count(site, "login.refuse", user_id, address)
        if count is not None:
            origin = Origin(address=address, request_id="")
            reason = times(count)
            await self._write(site, (), "login.refuse", user_id, actor=actor, origin=origin, reason=reason)

    async def sign_out(self, login: Login) -> None:
        """End a login."""
        account = await self._account(login.site, login.user_id)
        name = "" if account is None else account.name
        await self._end(login, "login.end", Actor(kind=ActorKind.PERSON, name=name, id=login.user_id))

    async def confirm(self, login: Login, password: str, code: str = "") -> Login:
        """It is you: the password given again, and a code where there is a second factor.

        Raises Unauthenticated or Throttled.
        """
        account = await self._account(login.site, login.user_id)
        if account is None or account.removed_at is not None:
            raise Unauthenticated
        self._throttle.enter(login.address, account.email)
        right: bool | None = None
        confirmed = login
        try:
            short = password[: self._limits.password_chars_max + 1]
            knows = await self._passwords.is_right(account.password_hash, short)
            async with self._one_at_a_time:
                present = await self._account(login.site, login.user_id) or account
                used = present if present.second_factor is None else self._used_up(present, code)
                right = knows and used is not None and present.password_hash == account.password_hash
                if right and used is not None:
                    confirmed = await self._confirmed(login, present, used)
        finally:
            self._throttle.leave(login.address, account.email, right=right)
        if not right:
            await self._refuse((account,), login.address)
            raise Unauthenticated(WRONG)
        return confirmed

    async def _confirmed(self, login: Login, account: Account, used: Account) -> Login:
        present = await self._store.accounts.login_by_hash(login.token_hash)
        if present is None or present.ended_at is not None:
            raise Unauthenticated
        confirmed = replace(present, confirmed_at=self._clock.now())
        origin = Origin(address=login.address, request_id="")
        changes: tuple[Change, ...] = (Overwrite(row=confirmed),)
        if used != account:
            changes = (*changes, Replace(row=replace(used, version=used.version + 1)))
        await self._write(login.site, changes, "login.confirm", login.id, actor=person(account), origin=origin)
        return confirmed

    def is_confirmed(self, login: Login) -> bool:
        """Whether the password was given recently enough to reveal secrets."""
        return self._clock.now() - login.confirmed_at <= self._limits.confirm_s * TICKS_PER_SECOND

    async def caller_of_cookie(self, token: str) -> Caller | None:
        """Who the cookie stands for; None when the login has ended, idled away or never was."""
        login = await self._store.accounts.login_by_hash(digest(token))
        now = self._clock.now()
        if login is None or login.ended_at is not None or login.waits_for or self._is_over(login, now):
            return None
        account = await self._account(login.site, login.user_id)
        if account is None or account.removed_at is not None:
            return None
        if now - login.seen_at >= _SEEN_EVERY_S * TICKS_PER_SECOND:
            seen = await self._seen(login, now)
            if seen is None:
                return None
            login = seen
        return Caller(
            site=login.site,
            kind="person",
            id=account.id,
            name=account.name,
            permissions=ROLE_PERMISSIONS[account.role],
            role=account.role,
            login=login,
        )

    def _is_over(self, login: Login, now: Instant) -> bool:
        idle = now - login.seen_at > self._limits.login_idle_s * TICKS_PER_SECOND
        return idle or now - login.created_at > self._limits.login_s_max * TICKS_PER_SECOND

    async def _seen(self, login: Login, now: Instant) -> Login | None:
        """Being seen is no act: it is kept without an audit row. None when the login has ended meanwhile."""
        async with self._one_at_a_time:
            present = await self._store.accounts.login_by_hash(login.token_hash)
            if present is None or present.ended_at is not None:
                return None
            seen = replace(present, seen_at=now)
            await self._store.commit(Unit(changes=(Overwrite(row=seen),)))
        return seen

    async def logins(self, caller: Caller) -> tuple[Login, ...]:
        """The caller's own logins, newest first."""
        return await self._store.accounts.logins(caller.site, caller.id)

    async def users(self, site: SiteId) -> tuple[Account, ...]:
        """The users of a site, removed ones left out."""
        return tuple(user for user in await self._store.accounts.users(site) if user.removed_at is None)

    async def _account(self, site: SiteId, user_id: str) -> Account | None:
        return next((user for user in await self._store.accounts.users(site) if user.id == user_id), None)

    async def _end(self, login: Login, operation: str, actor: Actor, origin: Origin | None = None) -> None:
        """Once: a login that has ended already stays as it is."""
        origin = origin or Origin(address=login.address, request_id="")
        async with self._one_at_a_time:
            present = await self._store.accounts.login_by_hash(login.token_hash)
            if present is not None and present.ended_at is None:
                ended = replace(present, ended_at=self._clock.now())
                await self._write(login.site, (Overwrite(row=ended),), operation, login.id, actor=actor, origin=origin)
