"""Whether a code is the second factor of an account: of the app, or a recovery code; either is used up by it."""

from dataclasses import replace

from deskbell.accounts.office import Office
from deskbell.model.account import Account
from deskbell.model.instant import to_seconds
from deskbell.rules.sealed_fields import TOTP_FIELD
from deskbell.rules.sealing import NONCE_BYTES, Keyring, aad_field
from deskbell.rules.second_factor import recovery_hash, step_of


class Codes(Office):
    """Judged on the account as it was just read; the caller writes what comes back, or nothing."""

    _keyring: Keyring

    def _used_up(self, account: Account, code: str) -> Account | None:
        """The account after this code was taken; None when it is not right."""
        factor = account.second_factor
        if factor is None:
            return None
        step = self._step(account, factor.sealed, code, factor.last_step)
        if step is not None:
            return replace(account, second_factor=replace(factor, last_step=step))
        hashed = recovery_hash(code)
        if hashed is None or hashed not in factor.recovery:
            return None
        left = tuple(one for one in factor.recovery if one != hashed)
        return replace(account, second_factor=replace(factor, recovery=left))

    def _step(self, account: Account, sealed: bytes, code: str, last_step: int) -> int | None:
        return step_of(self._unsealed(account, sealed), code, to_seconds(self._clock.now()), last_step)

    def _seal(self, account: Account, secret: str) -> bytes:
        aad = aad_field(account.site, account.id, TOTP_FIELD)
        return self._keyring.seal(secret.encode(), aad, self._random.secret(NONCE_BYTES))

    def _unsealed(self, account: Account, sealed: bytes) -> str:
        return self._keyring.open(sealed, aad_field(account.site, account.id, TOTP_FIELD)).decode()
