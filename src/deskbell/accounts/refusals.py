"""Refused permissions are audited: one row a minute for each caller and permission, with a count."""

from deskbell.accounts.keys import actor_of
from deskbell.accounts.office import Office, times
from deskbell.model.account import Caller
from deskbell.model.audit import Origin


class Refusals(Office):
    """What somebody tried and may not do."""

    async def note_refusal(self, caller: Caller, permission: str, origin: Origin) -> None:
        """Tell the audit at once, or, within a minute of the last row, with the next one."""
        count = self._told.count(caller.site, caller.id, permission)
        if count is not None:
            await self._write(
                caller.site,
                (),
                "permission.refuse",
                permission,
                actor=actor_of(caller),
                origin=origin,
                reason=times(count),
            )
