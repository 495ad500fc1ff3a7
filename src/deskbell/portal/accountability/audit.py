"""The audit: who did what, as a list with differences; its chain checked; a file to take away."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from deskbell.model.audit import AuditFilter, AuditRow
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.portal.accountability.words import operation_words
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.page import PageAsk, finished, respond
from deskbell.rules.audit_chain import Checked
from deskbell.rules.audit_export import FORMS, differences, head_of, line_of

ROWS = 50
GROUPS = (
    "audit.*", "bin.*", "client_link.*", "dwell_rule.*", "key.*", "login.*", "login.refuse", "permission.refuse",
    "replay.*", "site.*", "sso.*", "subject.*", "user.*", "webhook.*", "webhook.reveal",
)  # fmt: skip
_NAMES = ("actor", "operation", "object", "from", "to")
_FIELDS = {"from": "from", "to": "to"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row as the page shows it."""

    row: AuditRow
    words: str
    changes: Sequence[tuple[str, str | None, str | None]]  # member, before, after
    path: str  # of what was acted on; empty: it has no page


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of the list."""

    rows: Sequence[Row]
    typed: Mapping[str, str]  # the filter
    query: str  # the filter, for links
    older: int | None
    is_first: bool


def filter_of(typed: Mapping[str, str]) -> AuditFilter:
    """Which rows; days are whole ones in UTC. Raises Invalid for what is no day."""
    return AuditFilter(
        actor=typed.get("actor", ""),
        operation=typed.get("operation", ""),
        object_id=typed.get("object", ""),
        since=_day(typed, "from", 0),
        until=_day(typed, "to", 1),
    )


def _day(typed: Mapping[str, str], name: str, days: int) -> Instant | None:
    text = typed.get(name, "")
    if not text:
        return None
    try:
        found = date.fromisoformat(text) + timedelta(days=days)
        return Instant(int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()) * TICKS_PER_SECOND)
    except (ValueError, OverflowError):
        fault = FaultAt(pointer=f"/{name}", code="day", detail="Use a day like 2026-01-31.")
        raise Invalid(fault.detail, faults=(fault,)) from None


async def show(ask: PageAsk) -> Response:
    """The list, newest first; with `check` what was found of the chain."""
    typed = {name: ask.query[name] for name in _NAMES if name in ask.query}
    checked = await ask.rooms.audit.check(ask.site) if "check" in ask.query else None
    older, faults = ask.query.get("older"), None
    found: tuple[AuditRow, ...] = ()
    try:
        found = await ask.rooms.audit.page(ask.site, int(older) if older else None, ROWS + 1, filter_of(typed))
    except Invalid as refusal:
        faults = faults_of(refusal.faults, _FIELDS, refusal.detail)
    listing = Listing(
        rows=[row_of(one) for one in found[:ROWS]],
        typed={name: typed.get(name, "") for name in _NAMES},
        query=urlencode(typed),
        older=found[ROWS - 1].seq if len(found) > ROWS else None,
        is_first=older is None,
    )
    return await page(ask, listing, checked, faults)


async def page(ask: PageAsk, listing: Listing, checked: Checked | None, faults: Faults | None) -> Response:
    """The page in any of its states."""
    if faults:
        faults = Faults(by_field=faults.by_field, general=faults.general, title="Nothing was looked for.")
    return await respond(
        ask,
        "pages/audit.html",
        status=422 if faults else 200,
        listing=listing,
        checked=checked,
        faults=faults,
        groups=GROUPS,
    )


def row_of(row: AuditRow) -> Row:
    """A row with its words."""
    entry = row.entry
    return Row(
        row=row,
        words=operation_words(entry.operation),
        changes=tuple(differences(entry)),
        path=_path(entry.object_id),
    )


def _path(object_id: str) -> str:
    for start, path in (
        ("whk_", "/webhook?open="),
        ("dlv_", "/deliveries/"),
        ("evt_", "/events/"),
        ("rpl_", "/replays/"),
    ):
        if object_id.startswith(start):
            return path + object_id
    return ""


async def export(ask: PageAsk) -> Response:
    """The rows of this filter as a file; that it was taken away is recorded."""
    form = Fields(values=ask.form())
    kind = form.text("format") if form.text("format") in FORMS else "csv"
    which = filter_of({name: form.text(name) for name in _NAMES})
    rows = await ask.rooms.audit.export(ask.caller, kind, which, ask.rooms.clock.now(), ask.origin)
    headers = {"content-disposition": f'attachment; filename="audit-{ask.site}.{kind}"'}
    return finished(ask, StreamingResponse(_lines(rows, kind), media_type=FORMS[kind], headers=headers))


async def _lines(rows: AsyncIterator[AuditRow], kind: str) -> AsyncIterator[str]:
    yield head_of(kind)
    async for row in rows:
        yield line_of(row, kind)
