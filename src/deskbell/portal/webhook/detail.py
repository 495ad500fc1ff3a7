"""What an open row shows: full URL and secrets only in the answer to a POST, each time audited."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deskbell.model.account import Permission
from deskbell.model.errors import Forbidden, Invalid, Refusal, Throttled, Unauthenticated
from deskbell.model.instant import Instant
from deskbell.portal.page import PageAsk

WRONG = {False: "This is not your password.", True: "Password or code is not right. Each code counts once."}


@dataclass(frozen=True, kw_only=True)
class ShownSecret:
    """A signing secret in clear text."""

    text: str
    valid_until: Instant | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What the open row shows besides what everybody sees."""

    webhook_id: str
    url_text: str = ""
    secrets: Sequence[ShownSecret] = ()
    shown_at: Instant | None = None
    asks_password: bool = False
    asks_code: bool = False
    fault: str = ""
    words: str = ""
    tone: str = "info"
    offers_test: bool = False
    overlap_until: Instant | None = None  # how long an older secret stays valid


async def revealed(ask: PageAsk, webhook_id: str, password: str = "", code: str = "") -> tuple[PageAsk, Opened]:
    """What this caller gets to see now; the ask may carry a login that was just confirmed."""
    if not ask.caller.may(Permission.SECRETS_REVEAL):
        return ask, Opened(webhook_id=webhook_id)
    if is_confirmed(ask) and not password:
        return ask, await read(ask, webhook_id)
    asks_code = await has_second_factor(ask)
    if password and ask.caller.login is not None:
        try:
            login = await ask.rooms.accounts.confirm(ask.caller.login, password, code)
        except (Unauthenticated, Forbidden, Invalid):
            return ask, Opened(webhook_id=webhook_id, asks_password=True, asks_code=asks_code, fault=WRONG[asks_code])
        except Throttled as refusal:
            return ask, Opened(webhook_id=webhook_id, asks_password=True, asks_code=asks_code, fault=refusal.detail)
        ask = replace(ask, known_caller=replace(ask.caller, login=login))
    if not is_confirmed(ask):
        return ask, Opened(webhook_id=webhook_id, asks_password=True, asks_code=asks_code)
    return ask, await read(ask, webhook_id)


async def has_second_factor(ask: PageAsk) -> bool:
    """Whether confirming takes a code too."""
    return (await ask.rooms.accounts.own_account(ask.caller)).second_factor is not None


def is_confirmed(ask: PageAsk) -> bool:
    """Whether the password was given recently enough to reveal."""
    login = ask.caller.login
    return login is None or ask.rooms.accounts.is_confirmed(login)


async def read(ask: PageAsk, webhook_id: str) -> Opened:
    """URL and secrets, or why not."""
    try:
        found = await ask.rooms.registrations.reveal(ask.caller, webhook_id, origin=ask.origin)
    except Throttled as refusal:
        return Opened(webhook_id=webhook_id, fault=refusal.detail)
    except Refusal as refusal:
        return Opened(webhook_id=webhook_id, asks_password=True, fault=refusal.detail)
    return Opened(
        webhook_id=webhook_id,
        url_text=found.url_text,
        secrets=[ShownSecret(text=one.text, valid_until=one.valid_until) for one in found.secrets],
        shown_at=ask.rooms.clock.now(),
    )


async def with_overlap(ask: PageAsk, opened: Opened) -> Opened:
    """The row with how long an older secret stays valid, when one does."""
    now = ask.rooms.clock.now()
    ends = [
        one.valid_until
        for one in await ask.rooms.store.webhooks.secrets(ask.site, opened.webhook_id)
        if one.valid_until is not None and one.valid_until > now
    ]
    return replace(opened, overlap_until=max(ends)) if ends else opened
