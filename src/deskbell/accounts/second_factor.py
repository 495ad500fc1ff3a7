"""Second factors: enrolled with a code, asked for after the password, replaced by recovery codes, each good once."""

from dataclasses import dataclass, replace

from deskbell.accounts.logins import Logins, person
from deskbell.model.account import Account, Caller, SecondFactor
from deskbell.model.audit import Origin
from deskbell.model.changes import Change, Replace
from deskbell.model.errors import Conflict, FaultAt, Forbidden, Invalid, NotFound
from deskbell.rules.second_factor import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    recovery_code,
    recovery_hash,
    totp_secret,
    totp_uri,
)

WRONG_CODE = "This code is not right. Each code counts once; wait for the next one."


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an authenticator app needs; shown to its owner alone, in the answer to a POST."""

    secret: str
    uri: str


class SecondFactors(Logins):
    """Of the caller's own account."""

    async def begin_enrolment(self, account: Account, origin: Origin) -> Enrolment:
        """A fresh secret, not in force before its first code was given. An older one goes on until then."""
        site = await self._store.sites.get(account.site)
        secret = totp_secret(self._random.secret(SECRET_BYTES))
        async with self._one_at_a_time:
            present = await self._present(account)
            waiting = replace(present, enrolling=self._seal(present, secret), version=present.version + 1)
            await self._put(waiting, "second_factor.begin", origin)
        return Enrolment(secret=secret, uri=totp_uri(secret, account.email, f"Deskbell {site.name if site else ''}"))

    async def enrolment(self, account: Account) -> Enrolment | None:
        """The secret whose first code is awaited."""
        present = await self._present(account)
        if present.enrolling is None:
            return None
        site, secret = await self._store.sites.get(account.site), self._unsealed(present, present.enrolling)
        return Enrolment(secret=secret, uri=totp_uri(secret, account.email, f"Deskbell {site.name if site else ''}"))

    async def enrol(
        self, account: Account, code: str, origin: Origin, further: tuple[Change, ...] = ()
    ) -> tuple[str, ...]:
        """In force from now on; answers the recovery codes, which are shown once. Raises Invalid or Throttled."""
        self._throttle.enter(origin.address, account.email)
        right: bool | None = None
        try:
            async with self._one_at_a_time:
                present = await self._present(account)
                if present.enrolling is None:
                    raise Conflict("Begin anew: no authenticator app waits for its first code.")
                step = self._step(present, present.enrolling, code, 0)
                right = step is not None
                if step is None:
                    raise Invalid(WRONG_CODE, faults=(FaultAt(pointer="/code", code="code", detail=WRONG_CODE),))
                codes = self._new_codes()
                factor = SecondFactor(
                    sealed=present.enrolling, since=self._clock.now(), last_step=step, recovery=hashes_of(codes)
                )
                after = replace(present, second_factor=factor, enrolling=None, version=present.version + 1)
                await self._put(after, "second_factor.enrol", origin, further)
        finally:
            self._throttle.leave(origin.address, account.email, right=right)
        return codes

    async def new_recovery_codes(self, account: Account, origin: Origin) -> tuple[str, ...]:
        """Ten fresh codes; the old ones are void."""
        codes = self._new_codes()
        async with self._one_at_a_time:
            present = await self._present(account)
            if present.second_factor is None:
                raise Conflict("There is no second factor yet.")
            factor = replace(present.second_factor, recovery=hashes_of(codes))
            after = replace(present, second_factor=factor, version=present.version + 1)
            await self._put(after, "second_factor.recovery", origin)
        return codes

    async def remove_second_factor(self, account: Account, origin: Origin) -> None:
        """The password is enough again. Raises Forbidden where the site asks everybody for a second factor."""
        site = await self._store.sites.get(account.site)
        if site is not None and site.second_factor_required:
            raise Forbidden("This site asks everybody for a second factor. Set up another app instead.")
        async with self._one_at_a_time:
            present = await self._present(account)
            if present.second_factor is not None:
                after = replace(present, second_factor=None, enrolling=None, version=present.version + 1)
                await self._put(after, "second_factor.remove", origin)

    async def own_account(self, caller: Caller) -> Account:
        """The account behind a login."""
        account = await self._account(caller.site, caller.id)
        if account is None or account.removed_at is not None:
            raise NotFound
        return account

    async def _present(self, account: Account) -> Account:
        present = await self._account(account.site, account.id)
        if present is None or present.removed_at is not None:
            raise NotFound
        return present

    def _new_codes(self) -> tuple[str, ...]:
        return tuple(recovery_code(self._random.secret(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))

    async def _put(self, after: Account, operation: str, origin: Origin, further: tuple[Change, ...] = ()) -> None:
        changes = (Replace(row=after), *further)
        await self._write(after.site, changes, operation, after.id, actor=person(after), origin=origin)


def hashes_of(codes: tuple[str, ...]) -> tuple[str, ...]:
    """What is stored of recovery codes."""
    return tuple(found for one in codes if (found := recovery_hash(one)) is not None)
