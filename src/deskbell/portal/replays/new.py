"""A new replay: choose, count exactly, then begin."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.instant import Instant, format_instant, parse_instant
from deskbell.model.webhook import WebhookState
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond, see_other
from deskbell.portal.replays.form import FIELD_OF, LABELS, SINCE, STATES, Typed, wish_of
from deskbell.webhooks import Counted, Wish


@dataclass(frozen=True, kw_only=True)
class Count:
    """A dry run as the page shows it."""

    found: Counted
    rows: Sequence[tuple[str, int]]  # webhook, deliveries
    since: str  # the range that was counted, for the run
    until: str


async def show(ask: PageAsk) -> Response:
    """The form; with `count` what it would send."""
    typed = Typed(texts=dict(ask.query))
    count, faults, status = None, None, 200
    if "count" in ask.query:
        try:
            count = await counted(ask, await wish_of(ask, typed))
        except (Invalid, Conflict) as refusal:
            faults, status = faults_of(refusal.faults, FIELD_OF, refusal.detail), refusal.status
    return await form_page(ask, typed, count=count, faults=faults, status=status)


async def form_page(
    ask: PageAsk, typed: Typed, *, count: Count | None = None, faults: Faults | None = None, status: int = 200
) -> Response:
    """The form in any of its states."""
    webhooks = [one for one in await ask.rooms.registrations.list(ask.site) if one.state is not WebhookState.DELETED]
    site = await ask.rooms.store.sites.get(ask.site)
    return await respond(
        ask,
        "pages/replay_new.html",
        part="parts/replay_form.html",
        status=status,
        typed=typed,
        count=count,
        faults=Faults(by_field=faults.by_field, general=faults.general, title="Not counted yet.") if faults else None,
        webhooks=webhooks,
        states=STATES,
        since=SINCE,
        labels=LABELS,
        form_id=new_form_id(ask),
        is_off=site is not None and not site.webhooks_enabled,
    )


async def counted(ask: PageAsk, wish: Wish) -> Count:
    """Count, and name the webhooks."""
    found = await ask.rooms.replays.count(ask.site, wish)
    names = {one.id: one.description for one in await ask.rooms.store.webhooks.all(ask.site)}
    rows = [(names.get(webhook_id, webhook_id), count) for webhook_id, count in found.by_webhook.items()]
    choice = found.choice
    return Count(
        found=found,
        rows=sorted(rows, key=lambda row: (-row[1], row[0])),
        since=format_instant(choice.since) if choice.since is not None else "",
        until=format_instant(choice.until) if choice.until is not None else "",
    )


async def begin(ask: PageAsk) -> Response:
    """Begin what was counted: the same choice, the same range. A form sent twice begins once."""
    form = Fields(values=ask.form())
    typed = Typed(texts={name: ",".join(values) for name, values in form.values.items() if name != "csrf"})
    form_id = form.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        before = await made_before(ask, form_id)
        if before is not None:
            return see_other(ask, f"/replays/{before}")
        try:
            asked = await wish_of(ask, typed)
            wish = Wish(
                states=asked.states,
                webhook_ids=asked.webhook_ids,
                since=_at(form.text("since_at")),
                until=_at(form.text("until_at")),
                event_types=asked.event_types,
                text=asked.text,
                rate_per_second=asked.rate_per_second,
            )
            made = await ask.rooms.replays.begin(ask.caller, wish, origin=ask.origin)
        except (Invalid, Conflict) as refusal:
            shown = faults_of(refusal.faults, FIELD_OF, refusal.detail)
            return await form_page(ask, typed, faults=shown, status=refusal.status)
        await remember(ask, form_id, made.id)
    return see_other(ask, f"/replays/{made.id}")


def _at(text: str) -> Instant | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        fault = FaultAt(pointer="/since", code="time", detail="Count again.")
        raise Invalid(fault.detail, faults=(fault,)) from None
