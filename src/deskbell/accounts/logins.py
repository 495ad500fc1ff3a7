"""Logins: signing in and out, confirming, and the caller of a cookie."""

from dataclasses import replace

from deskbell.accounts.office import COMMAND_LINE, Office
from deskbell.accounts.passwords import Passwords
from deskbell.accounts.throttle import Throttle
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Account, Caller, Login
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Overwrite, Replace, Unit
from deskbell.model.errors import NotFound, Unauthenticated
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


class Logins(Office):
    """A login is a cookie's 256 random bits; the database knows only their hash."""

    _passwords: Passwords
    _throttle: Throttle

    async def sign_in(self, email: str, password: str, address: str, agent: str) -> tuple[Login, str]:
        """A login and its cookie value. Raises Unauthenticated with one text for everything wrong, or Throttled."""
        self._throttle.check(address, email)
        account = await self._right_account(email.lower(), password, address)
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
        )
        seen = replace(account, last_login_at=now, version=account.version + 1)
        origin = Origin(address=address, request_id="")
        await self._write(
            account.site,
            (Insert(row=login), Replace(row=seen)),
            "login.create",
            login.id,
            actor=person(account),
            origin=origin,
        )
        return login, token

    async def _right_account(self, email: str, password: str, address: str) -> Account:
        accounts = await self._store.accounts.users_by_email(email) if "@" in email else ()
        account = accounts[0] if accounts else None
        right = await self._passwords.is_right(account.password_hash if account else None, self._bounded(password))
        if account is None or not right:
            self._throttle.wrong(address, email)
            if account is not None:
                origin = Origin(address=address, request_id="")
                await self._write(account.site, (), "login.refuse", account.id, actor=person(account), origin=origin)
            raise Unauthenticated(WRONG)
        self._throttle.right(address, email)
        return account

    def _bounded(self, password: str) -> str:
        """Nobody has a longer one: a huge body is not hashed."""
        return password if len(password) <= self._limits.password_chars_max else ""

    async def sign_out(self, login: Login) -> None:
        """End a login."""
        await self._end(login, "login.end", Actor(kind=ActorKind.PERSON, name="", id=login.user_id))

    async def confirm(self, login: Login, password: str) -> Login:
        """It is you: the password given again. Raises Unauthenticated or Throttled."""
        account = await self._account(login.site, login.user_id)
        if account is None:
            raise Unauthenticated
        self._throttle.check(login.address, account.email)
        await self._right_account(account.email, password, login.address)
        confirmed = replace(login, confirmed_at=self._clock.now())
        await self._write(login.site, (Overwrite(row=confirmed),), "login.confirm", login.id, actor=person(account))
        return confirmed

    def is_confirmed(self, login: Login) -> bool:
        """Whether the password was given recently enough to reveal secrets."""
        return self._clock.now() - login.confirmed_at <= self._limits.confirm_s * TICKS_PER_SECOND

    async def caller_of_cookie(self, token: str) -> Caller | None:
        """Who the cookie stands for; None when the login has ended, idled away or never was."""
        login = await self._store.accounts.login_by_hash(digest(token))
        now = self._clock.now()
        if login is None or login.ended_at is not None or self._is_over(login, now):
            return None
        account = await self._account(login.site, login.user_id)
        if account is None or account.removed_at is not None:
            return None
        if now - login.seen_at >= _SEEN_EVERY_S * TICKS_PER_SECOND:
            login = replace(login, seen_at=now)
            await self._seen(login)
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

    async def _seen(self, login: Login) -> None:
        """Being seen is no act: it is kept without an audit row."""
        await self._store.commit(Unit(changes=(Overwrite(row=login),)))

    async def logins(self, caller: Caller) -> tuple[Login, ...]:
        """The caller's own logins, newest first."""
        return await self._store.accounts.logins(caller.site, caller.id)

    async def end_login(self, caller: Caller, login_id: str, origin: Origin) -> None:
        """End one of the caller's own logins."""
        for login in await self.logins(caller):
            if login.id == login_id:
                await self._end(
                    login, "login.end", Actor(kind=ActorKind.PERSON, name=caller.name, id=caller.id), origin
                )
                return
        raise NotFound

    async def users(self, site: SiteId) -> tuple[Account, ...]:
        """The users of a site, removed ones left out."""
        return tuple(user for user in await self._store.accounts.users(site) if user.removed_at is None)

    async def _account(self, site: SiteId, user_id: str) -> Account | None:
        return next((user for user in await self._store.accounts.users(site) if user.id == user_id), None)

    async def _end(self, login: Login, operation: str, actor: Actor, origin: Origin = COMMAND_LINE) -> None:
        ended = replace(login, ended_at=self._clock.now())
        await self._write(login.site, (Overwrite(row=ended),), operation, login.id, actor=actor, origin=origin)
