"""Whether a long answer may go on."""

from collections.abc import Awaitable, Callable

from deskbell.model.account import Permission
from deskbell.portal.page import PageAsk


def may_still(ask: PageAsk, permission: Permission = Permission.EVENTS_READ) -> Callable[[], Awaitable[bool]]:
    """A check for streams: the login still stands, and its role has not changed."""

    async def check() -> bool:
        return await ask.rooms.accounts.still_may(ask.caller, permission)

    return check
