"""Whether a long answer may go on: the login still stands and its role still has the permission."""

from collections.abc import Awaitable, Callable

from deskbell.model.account import Permission
from deskbell.model.instant import plus
from deskbell.portal.page import PageAsk
from deskbell.rules.permissions import ROLE_PERMISSIONS


def may_still(ask: PageAsk, permission: Permission = Permission.EVENTS_READ) -> Callable[[], Awaitable[bool]]:
    """A check for streams. It only reads: a stream is no activity and keeps no login alive."""

    async def check() -> bool:
        caller, store, limits = ask.caller, ask.rooms.store.accounts, ask.rooms.limits
        if caller.login is None:
            return False
        logins = await store.logins(caller.site, caller.id)
        login = next((one for one in logins if one.id == caller.login.id), None)
        account = next((one for one in await store.users(caller.site) if one.id == caller.id), None)
        if login is None or account is None or login.ended_at is not None or account.removed_at is not None:
            return False
        now = ask.rooms.clock.now()
        stands = plus(login.seen_at, limits.login_idle_s) > now and plus(login.created_at, limits.login_s_max) > now
        return stands and permission in ROLE_PERMISSIONS[account.role]

    return check
