"""Between the right password and the login: the code, or the enrolment that the site asks for."""

from dataclasses import replace

from deskbell.accounts.logins import person
from deskbell.accounts.second_factor import SecondFactors
from deskbell.accounts.tokens import digest
from deskbell.model.account import Account, Login
from deskbell.model.audit import Origin
from deskbell.model.changes import Overwrite, Replace
from deskbell.model.errors import Unauthenticated
from deskbell.model.instant import TICKS_PER_SECOND

WRONG = "The code is not right. Each code counts once."
AGAIN = "This took too long. Sign in again."


class SecondSteps(SecondFactors):
    """A login that waits opens nothing but these steps, and for ten minutes only."""

    async def waiting(self, token: str) -> tuple[Login, Account] | None:
        """The login behind the cookie that waits for its second step, and whose it is."""
        login = await self._store.accounts.login_by_hash(digest(token))
        if login is None or not login.waits_for or login.ended_at is not None:
            return None
        if self._clock.now() - login.created_at > self._limits.second_step_s * TICKS_PER_SECOND:
            return None
        account = await self._account(login.site, login.user_id)
        return None if account is None or account.removed_at is not None else (login, account)

    async def give_code(self, token: str, code: str, origin: Origin) -> tuple[Login, str]:
        """The login and its new cookie value. Raises Unauthenticated or Throttled; each code counts once."""
        login, account = await self._expected(token, "code")
        self._throttle.enter(login.address, account.email)
        right: bool | None = None
        try:
            async with self._one_at_a_time:
                login, account = await self._expected(token, "code")
                used = self._used_up(account, code)
                right = used is not None
                if used is not None:
                    return await self._finish(login, used, origin, recovery_used(account, used))
        finally:
            self._throttle.leave(login.address, account.email, right=right)
        await self._write(
            login.site, (), "login.refuse", account.id, actor=person(account), origin=origin, reason="second factor"
        )
        raise Unauthenticated(WRONG)

    async def enrol_to_sign_in(self, token: str, code: str, origin: Origin) -> tuple[tuple[str, ...], str]:
        """The recovery codes and the new cookie value of somebody who had to set up a second factor first."""
        login, account = await self._expected(token, "enrolment")
        fresh, value = self._renewed(login)
        codes = await self.enrol(account, code, origin, (Overwrite(row=fresh),))
        return codes, value

    async def _expected(self, token: str, step: str) -> tuple[Login, Account]:
        found = await self.waiting(token)
        if found is None or found[0].waits_for != step:
            raise Unauthenticated(AGAIN)
        return found

    async def _finish(self, login: Login, used: Account, origin: Origin, reason: str | None) -> tuple[Login, str]:
        fresh, value = self._renewed(login)
        seen = replace(used, last_login_at=fresh.created_at, version=used.version + 1)
        changes = (Overwrite(row=fresh), Replace(row=seen))
        await self._write(
            login.site, changes, "login.create", login.id, actor=person(used), origin=origin, reason=reason
        )
        return fresh, value


def recovery_used(before: Account, after: Account) -> str | None:
    """What the audit says when it was a recovery code."""
    if before.second_factor is None or after.second_factor is None:
        return None
    left = len(after.second_factor.recovery)
    return None if left == len(before.second_factor.recovery) else f"recovery code, {left} left"
