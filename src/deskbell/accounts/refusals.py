"""Refused permissions are audited: one row a minute for each caller and permission, with a count."""

from deskbell.accounts.keys import actor_of
from deskbell.accounts.office import Office
from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.ids import SiteId

_EVERY_S = 60.0
_REMEMBERED_MAX = 10_000


class Refusals(Office):
    """What somebody tried and may not do."""

    _refused: dict[tuple[SiteId, str, str], tuple[float, int]]  # when last told, and how many since

    async def note_refusal(self, caller: Caller, permission: str, origin: Origin) -> None:
        """Tell the audit at once, or, within a minute of the last row, with the next one."""
        now, name = self._clock.monotonic(), (caller.site, caller.id, permission)
        told_at, since = self._refused.get(name, (now - _EVERY_S, 0))
        if now - told_at < _EVERY_S:
            self._refused[name] = (told_at, since + 1)
            return
        if len(self._refused) >= _REMEMBERED_MAX:
            self._refused.clear()
        self._refused[name] = (now, 0)
        reason = f"{since + 1} times" if since else None
        actor = actor_of(caller)
        await self._write(caller.site, (), "permission.refuse", permission, actor=actor, origin=origin, reason=reason)
