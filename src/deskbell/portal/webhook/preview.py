"""Trying what is typed: which of the last events would be sent, and the payload that they would make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import FaultAt, Invalid, NotFound
from deskbell.model.event import Event
from deskbell.portal.deliveries.trace import words_of
from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk, new_form_id, respond
from deskbell.portal.webhook import create, edit
from deskbell.portal.webhook.content import content_of, gathered
from deskbell.portal.webhook.form import OFFERS, Typed, typed_of
from deskbell.rules.catalogue import SAMPLE_NAMES
from deskbell.webhooks import Previewed, PreviewWish, Tried

PARTS = {"events": "parts/webhook_tried.html", "payload": "parts/webhook_payload.html"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One of the last events."""

    event: Event
    matched: bool
    words: str  # why not


@dataclass(frozen=True, kw_only=True)
class View:
    """What the form shows of a preview."""

    rows: Sequence[Row] = ()
    is_tried: bool = False  # events were looked at
    shown: str = ""  # what the payload is made of
    payload: bytes | None = None
    notes: Sequence[str] = ()  # what is wrong, or odd, with filter and fields
    payload_notes: Sequence[str] = ()  # and with the template
    event_id: str = ""
    sample: str = "typical"
    sample_type: str = ""


async def preview(ask: PageAsk) -> Response:
    """A part for htmx; without script the whole form, with what was found in it."""
    form = Fields(values=ask.form())
    typed = typed_of(form)
    view = await view_of(ask, form, typed)
    part = PARTS.get(ask.query.get("part", ""))
    if ask.is_part and part is not None:
        return await respond(ask, part, part=part, preview=view, typed=typed)
    webhook_id = form.text("webhook")
    if webhook_id:
        return await edit.form_page(ask, await ask.rooms.registrations.get(ask.site, webhook_id), typed, preview=view)
    offer = form.text("offer") if form.text("offer") in OFFERS else "custom"
    return await create.form_page(ask, offer, typed, form.text("form_id") or new_form_id(ask), preview=view)


async def view_of(ask: PageAsk, form: Fields, typed: Typed) -> View:
    """Try it. What cannot be read is told in place of a result."""
    content, faults = content_of(typed.texts)
    sample = form.text("sample") if form.text("sample") in SAMPLE_NAMES else "typical"
    asked: dict[str, Any] = {"sample": sample, "sample_type": form.text("sample_type"), "event_id": form.text("event")}
    members = {
        "description": typed.text("description") or "Webhook",
        "eventTypes": list(typed.types),
        "kind": typed.text("kind"),
        "format": typed.text("format"),
        **content,
    }
    wish = PreviewWish(
        webhook_id=form.given("webhook"),
        members=members,
        event_id=form.given("event"),
        event_type=form.given("sample_type"),
        sample=sample,
    )
    try:
        found = await ask.rooms.registrations.preview(ask.caller, wish)
    except Invalid as refusal:
        return View(notes=[one.detail for one in refusal.faults] or [refusal.detail], **asked)
    except NotFound:
        return View(payload_notes=["This event is no longer kept."], **asked)
    return _shown(found, faults, asked)


def _shown(found: Previewed, faults: Sequence[FaultAt], asked: dict[str, Any]) -> View:
    told = (*faults, *gathered(found.told.faults), *found.told.warnings)
    payload_notes = [one.detail for one in told if one.pointer.startswith("/template")]
    if found.fault and not payload_notes:
        payload_notes.append(found.fault)
    return View(
        rows=[_row(one) for one in found.recent],
        is_tried=True,
        shown=found.shown,
        payload=found.rendered.body if found.rendered else None,
        notes=[one.detail for one in told if not one.pointer.startswith("/template")],
        payload_notes=payload_notes,
        **asked,
    )


def _row(tried: Tried) -> Row:
    words = "" if tried.reason is None else words_of(tried.reason, tried.event.type)
    return Row(event=tried.event, matched=tried.reason is None, words=words)
