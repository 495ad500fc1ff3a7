"""Timers: the dwell rules of the desk, each as a sentence, and the form that makes and changes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import Conflict, Invalid
from deskbell.model.instant import Instant
from deskbell.model.timer import DwellRule
from deskbell.portal.actor import actor_of
from deskbell.portal.desk.acting import done
from deskbell.portal.desk.timer_form import DAYS, FIELD_OF, LABELS, UNITS, filled, fresh, members_of, statuses_of
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond, see_other
from deskbell.rules.dwell_words import sentence

PATH = "/desk/timers"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One rule of the list."""

    rule: DwellRule
    says: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A rule that is one click away."""

    says: str
    form: Fields  # what the click sends
    form_id: str


async def show(ask: PageAsk) -> Response:
    """The rules, and those that most desks want."""
    rooms = ask.rooms.dwell_rules
    names = await rooms.status_names(ask.site)
    return await respond(
        ask,
        "pages/desk_timers.html",
        lines=[Line(rule=rule, says=says(rule, names)) for rule in await rooms.list(ask.site)],
        offers=[offer_of(ask, body, names) for body in await rooms.offered(ask.site)],
    )


def says(rule: DwellRule, names: Mapping[tuple[str, str], str]) -> str:
    """What the rule does."""
    return sentence(rule, names.get((rule.subject, rule.status), f"status {rule.status}, which is not in the list"))


def offer_of(ask: PageAsk, body: Mapping[str, Any], names: Mapping[tuple[str, str], str]) -> Offer:
    """A body as a sentence and a form."""
    rule = DwellRule(
        site=ask.site,
        id="",
        description="",
        subject=body["subject"],
        status=body["status"],
        longer_than_s=body["longerThanSeconds"],
        created_at=Instant(0),
    )
    return Offer(says=says(rule, names), form=fresh(body), form_id=new_form_id(ask))


async def new(ask: PageAsk) -> Response:
    """The form of a new rule."""
    return await form_page(ask, fresh(), new_form_id(ask))


async def edit(ask: PageAsk) -> Response:
    """The form, filled."""
    rule = await ask.rooms.dwell_rules.get(ask.site, ask.path("id"))
    return await form_page(ask, filled(rule), "", rule=rule)


async def form_page(
    ask: PageAsk, form: Fields, form_id: str, *, rule: DwellRule | None = None, faults: Faults | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    """The form in any of its states."""
    names = await ask.rooms.dwell_rules.status_names(ask.site)
    return await respond(
        ask,
        "pages/desk_timer.html",
        status=status,
        form=form,
        form_id=form_id,
        rule=rule,
        says=says(rule, names) if rule else "",
        faults=faults,
        labels=LABELS,
        statuses=statuses_of(names),
        units=UNITS,
        days=DAYS,
    )


async def create(ask: PageAsk) -> Response:
    """A new rule, once for each form."""
    form = Fields(values=ask.form())
    form_id = form.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        if await made_before(ask, form_id) is not None:
            return see_other(ask, PATH)
        try:
            made = await ask.rooms.dwell_rules.create(ask.site, members_of(form), actor_of(ask), ask.origin)
        except (Invalid, Conflict) as refusal:
            faults = faults_of(refusal.faults, FIELD_OF, refusal.detail)
            return await form_page(ask, form, form_id, faults=faults, status=refusal.status)
        await remember(ask, form_id, made.id)
    return see_other(ask, PATH, Note(text="Timer created. It counts for what is there already, too."))


async def save(ask: PageAsk) -> Response:
    """Change what the form holds; somebody else's change in between is shown, not overwritten."""
    form = Fields(values=ask.form())
    rooms, rule_id = ask.rooms.dwell_rules, ask.path("id")
    version = form.whole("version")
    try:
        await rooms.change(ask.site, rule_id, members_of(form), actor_of(ask), ask.origin, if_version=version)
    except (Invalid, Conflict) as refusal:
        rule = await rooms.get(ask.site, rule_id)
        detail = refusal.detail
        if rule.version != version and not refusal.faults:
            detail = "Somebody else changed this timer meanwhile. Save again to overwrite it with what you typed."
        faults = faults_of(refusal.faults, FIELD_OF, detail)
        return await form_page(ask, form, "", rule=rule, faults=faults, status=refusal.status)
    return see_other(ask, PATH, Note(text="Saved."))


async def switch(ask: PageAsk) -> Response:
    """On or off; the wanted value, so that asking twice is harmless."""
    enabled = Fields(values=ask.form()).flag("enabled")

    async def step() -> object:
        patch = {"enabled": enabled}
        return await ask.rooms.dwell_rules.change(ask.site, ask.path("id"), patch, actor_of(ask), ask.origin)

    return await done(ask, PATH, step, "The timer is on." if enabled else "The timer is off: it tells nothing.")


async def delete(ask: PageAsk) -> Response:
    """The rule and its timers are gone; what it told stays."""

    async def step() -> None:
        await ask.rooms.dwell_rules.delete(ask.site, ask.path("id"), actor_of(ask), ask.origin)

    return await done(ask, PATH, step, "Timer deleted; what it told stays.")
