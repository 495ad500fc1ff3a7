"""Whether a long answer may go on: what its caller came with still stands, and still has the permission."""

from deskbell.accounts.keys import Keys
from deskbell.accounts.logins import Logins
from deskbell.model.account import Caller, Permission
from deskbell.rules.permissions import ROLE_PERMISSIONS


class Standing(Logins, Keys):
    """Asked every few seconds by streams. It only reads: a stream is no activity and keeps no login alive."""

    async def still_may(self, caller: Caller, needed: Permission) -> bool:
        """Whether a caller who was let in would be let in now, read anew."""
        if caller.kind == "key":
            return await self._key_may(caller, needed)
        return caller.login is not None and await self._login_may(caller, needed)

    async def _key_may(self, caller: Caller, needed: Permission) -> bool:
        key = next((one for one in await self.keys(caller.site) if one.id == caller.id), None)
        found = None if key is None else await self.caller_of(key)
        return found is not None and found.may(needed) and found.role is caller.role

    async def _login_may(self, caller: Caller, needed: Permission) -> bool:
        logins = await self._store.accounts.logins(caller.site, caller.id)
        login = next((one for one in logins if caller.login is not None and one.id == caller.login.id), None)
        account = await self._account(caller.site, caller.id)
        if login is None or account is None or account.removed_at is not None or account.role is not caller.role:
            return False
        stands = login.ended_at is None and not self._is_over(login, self._clock.now())
        return stands and needed in ROLE_PERMISSIONS[account.role]
