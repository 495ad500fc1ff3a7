"""API keys: a list, a form whose answer shows the new key once, and a page that asks before one is revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from deskbell.model.account import ApiKey
from deskbell.model.errors import Conflict, Forbidden, Invalid, NotFound, Throttled, Unauthenticated
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.portal.accountability.words import POWERFUL, SCOPE_GROUPS
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond, see_other
from deskbell.portal.states import Shown

SOON_DAYS = 30
DAYS = (("365", "1 year"), ("90", "90 days"), ("30", "30 days"), ("7", "7 days"), ("", "Without end"))
LABELS = {
    "name": "Name",
    "scopes": "What it may do",
    "sources": "Only from",
    "days": "Works for",
    "password": "Password",
}
FIELD_OF = {"name": "name", "scopes": "scopes", "sources": "sources", "expiresDays": "days"}
_DAY = 86_400 * TICKS_PER_SECOND


@dataclass(frozen=True, kw_only=True)
class Row:
    """One key of the list."""

    key: ApiKey
    state: Shown
    by: str  # who made it
    scopes: Sequence[str]  # in words
    works: bool


async def show(ask: PageAsk) -> Response:
    """Keys that work first, newest first."""
    names = {user.id: user.name for user in await ask.rooms.store.accounts.users(ask.site)}
    rows = [row_of(key, names, ask.rooms.clock.now()) for key in await ask.rooms.accounts.keys(ask.site)]
    rows.sort(key=lambda row: not row.works)
    soon = [row for row in rows if row.works and row.state.tone == "warn"]
    return await respond(ask, "pages/keys.html", rows=rows, soon=soon, soon_days=SOON_DAYS)


def row_of(key: ApiKey, names: dict[str, str], now: Instant) -> Row:
    """A key with its state in words."""
    words = {scope: text for _, scopes in SCOPE_GROUPS for scope, text in scopes}
    state, works = Shown(word="Works", tone="ok", icon="circle-check"), True
    if key.revoked_at is not None:
        state, works = Shown(word="Revoked", tone="idle", icon="ban"), False
    elif key.expires_at is not None and key.expires_at <= now:
        state, works = Shown(word="Expired", tone="bad", icon="clock"), False
    elif key.expires_at is not None and key.expires_at - now <= SOON_DAYS * _DAY:
        state = Shown(word="Expires soon", tone="warn", icon="triangle-alert")
    by = names.get(key.created_by, "deskbell init" if key.created_by == "init" else "a removed user")
    return Row(
        key=key, state=state, by=by, scopes=[words[scope] for scope in key.scopes if scope in words], works=works
    )


async def form(ask: PageAsk) -> Response:
    """The empty form."""
    return await form_page(ask, Fields(values={"days": ["365"]}))


async def form_page(ask: PageAsk, typed: Fields, *, faults: Faults | None = None, status: int = 200) -> Response:
    """The form in any of its states. Who has not confirmed lately that it is them is asked for the password."""
    login = ask.caller.login
    return await respond(
        ask,
        "pages/key_new.html",
        status=status,
        form=typed,
        faults=faults,
        labels=LABELS,
        groups=SCOPE_GROUPS,
        powerful=POWERFUL,
        days=DAYS,
        asks_password=login is not None and not ask.rooms.accounts.is_confirmed(login),
        form_id=typed.text("form_id") or new_form_id(ask),
    )


async def create(ask: PageAsk) -> Response:
    """Make the key and show it, once: a reload of the answer makes no second one."""
    typed = Fields(values=ask.form())
    form_id = typed.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        if await made_before(ask, form_id) is not None:
            return see_other(ask, "/keys", Note(text="This key was made already. Its text is shown only once."))
        try:
            ask = await confirmed(ask, typed)
            made, text = await ask.rooms.accounts.make_key(
                ask.caller,
                typed.text("name"),
                list(typed.many("scopes")),
                typed.whole("days") if typed.text("days") else None,
                ask.origin,
                sources=typed.text("sources").replace(",", " ").split(),
            )
        except (Invalid, Conflict) as refusal:
            shown = faults_of(refusal.faults, FIELD_OF, refusal.detail)
            return await form_page(ask, typed, faults=shown, status=refusal.status)
        except (Forbidden, Throttled) as refusal:
            wrong = Faults(by_field={"password": refusal.detail})
            return await form_page(ask, typed, faults=wrong, status=refusal.status)
        await remember(ask, form_id, made.id)
    return await respond(ask, "pages/key_made.html", key=made, text=text)


async def confirmed(ask: PageAsk, typed: Fields) -> PageAsk:
    """The ask with a login that was just confirmed, when a password was given."""
    login, password = ask.caller.login, typed.raw("password")
    if login is None or not password:
        return ask
    try:
        login = await ask.rooms.accounts.confirm(login, password, typed.text("code"))
    except Unauthenticated:
        raise Forbidden("This is not your password. With a second factor a code is needed, too.") from None
    return replace(ask, known_caller=replace(ask.caller, login=login))


async def ask_revoke(ask: PageAsk) -> Response:
    """Which key, and what ends with it."""
    return await respond(ask, "pages/key_revoke.html", row=await one(ask))


async def one(ask: PageAsk) -> Row:
    """The key of this path."""
    names = {user.id: user.name for user in await ask.rooms.store.accounts.users(ask.site)}
    for key in await ask.rooms.accounts.keys(ask.site):
        if key.id == ask.path("id"):
            return row_of(key, names, ask.rooms.clock.now())
    raise NotFound


async def revoke(ask: PageAsk) -> Response:
    """End it."""
    row = await one(ask)
    await ask.rooms.accounts.revoke_key(ask.caller, row.key.id, ask.origin)
    return see_other(ask, "/keys", Note(text=f"“{row.key.name}” is revoked. It works nowhere after 5 s."))
