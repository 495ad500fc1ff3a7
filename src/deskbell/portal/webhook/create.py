"""Create a webhook: ticket, chat or custom, which are one form with other offers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import Conflict, Invalid
from deskbell.model.webhook import Webhook
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond
from deskbell.portal.webhook.content import gathered
from deskbell.portal.webhook.detail import Opened, ShownSecret, revealed
from deskbell.portal.webhook.form import (
    FIELD_OF,
    LABELS,
    OFFERS,
    Typed,
    members_of,
    more_types,
    offered,
    typed_of,
)
from deskbell.portal.webhook.order import ORDERS, summary_of_order
from deskbell.portal.webhook.show import from_dialog
from deskbell.portal.webhook.sign_in import LABELS_OF_SIGN_IN, choices_of, summary_of_sign_in
from deskbell.receivers import KINDS
from deskbell.rules.catalogue import SAMPLE_NAMES
from deskbell.webhooks import read_spec

CREATED = "Webhook created. Copy the signing secret now or use Display detail later."


async def show(ask: PageAsk) -> Response:
    """The empty form; a bin's address may be filled in."""
    offer = ask.query.get("offer", "custom")
    return await form_page(ask, offer, Typed(texts={"url": await bin_address(ask)}), new_form_id(ask))


async def bin_address(ask: PageAsk) -> str:
    """The address of the bin that `?bin=` names."""
    if "bin" not in ask.query:
        return ""
    found = await ask.rooms.inspector.get(ask.site, ask.query["bin"])
    return f"{ask.rooms.base_url}/bin/{found.address}"


async def form_page(
    ask: PageAsk, offer: str, typed: Typed, form_id: str, *, status: int = 200, faults: Faults | None = None,
    warnings: Sequence[str] = (), preview: Any = None,
) -> Response:  # fmt: skip
    """The form in any of its states."""
    return await respond(
        ask,
        "pages/webhook_new.html",
        part="parts/webhook_form.html",
        status=status,
        headers={"hx-retarget": "#dlg", "hx-reswap": "innerHTML"} if ask.is_part else None,
        offer=offer,
        offered=offered(offer),
        typed=typed,
        more=more_types(offer, typed.types),
        form_id=form_id,
        faults=faults,
        warnings=warnings,
        preview=preview,
        labels=LABELS,
        orders=ORDERS,
        summary=summary_of_order(typed.text),
        sign_in_choices=choices_of(None),
        sign_in_labels=LABELS_OF_SIGN_IN,
        sign_in_summary=summary_of_sign_in(typed.text, None),
        kinds=KINDS,
        sample_names=SAMPLE_NAMES,
        webhook=None,
        differences=(),
        action="/webhook/new",
        title=f"Add {offer} webhook",
    )


async def create(ask: PageAsk) -> Response:
    """Make it once, and show its secret in this one answer."""
    form = Fields(values=ask.form())
    offer = form.text("offer") if form.text("offer") in OFFERS else "custom"
    typed, form_id = typed_of(form), form.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        before = await made_before(ask, form_id)
        if before is not None:
            ask, opened = await revealed(ask, before)
            return await from_dialog(ask, replace(opened, words=CREATED, offers_test=True))
        members, faults = members_of(typed, with_url=True)
        if faults:
            return await form_page(ask, offer, typed, form_id, status=422, faults=faults_of(gathered(faults), FIELD_OF))
        if not form.flag("anyway") and (warnings := await warnings_of(ask, typed, members)):
            return await form_page(ask, offer, typed, form_id, status=422, warnings=warnings)
        try:
            made = await ask.rooms.registrations.create(ask.caller, read_spec(members), origin=ask.origin)
        except (Invalid, Conflict) as refusal:
            shown = faults_of(gathered(refusal.faults), FIELD_OF, refusal.detail)
            return await form_page(ask, offer, typed, form_id, status=refusal.status, faults=shown)
        await remember(ask, form_id, made.webhook.id)
    return await from_dialog(ask, opened_with(ask, made.webhook, made.url_text, made.secret_text))


def opened_with(ask: PageAsk, webhook: Webhook, url_text: str, secret_text: str) -> Opened:
    """The new row, open, with what only this answer shows."""
    return Opened(
        webhook_id=webhook.id,
        url_text=url_text,
        secrets=[ShownSecret(text=secret_text, valid_until=None)],
        shown_at=ask.rooms.clock.now(),
        words=CREATED,
        offers_test=True,
    )


async def warnings_of(ask: PageAsk, typed: Typed, members: Mapping[str, Any]) -> list[str]:
    """What is odd, though it can be saved; nothing when there are faults, which are told instead."""
    try:
        found = await ask.rooms.registrations.warnings(ask.site, read_spec(members))
    except Invalid:
        return []
    return [*await same_url(ask, typed), *(one.detail for one in found)]


async def same_url(ask: PageAsk, typed: Typed) -> list[str]:
    """The warning when another webhook already sends such events to this URL."""
    for other in await ask.rooms.registrations.same_url(ask.site, typed.text("url")):
        shared = next((one for one in typed.types if one in other.event_types), None)
        if shared is not None:
            return [f"“{other.description}” already sends {shared} to this URL. Save anyway?"]
    return []
