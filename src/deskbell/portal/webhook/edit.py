"""Edit a webhook: id and secret stay, the URL is replaced only when a new one is typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import Conflict, Invalid
from deskbell.model.webhook import Webhook
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.webhook.content import gathered
from deskbell.portal.webhook.form import (
    FIELD_OF,
    LABELS,
    Typed,
    members_of,
    more_types,
    offer_of,
    offered,
    typed_from,
    typed_of,
)
from deskbell.portal.webhook.order import ORDERS, summary_of_order
from deskbell.portal.webhook.sign_in import LABELS_OF_SIGN_IN, choices_of, summary_of_sign_in
from deskbell.receivers import KINDS
from deskbell.rules.catalogue import SAMPLE_NAMES
from deskbell.webhooks import PreviewWish


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that somebody else changed meanwhile."""

    label: str
    theirs: str
    yours: str


async def show(ask: PageAsk) -> Response:
    """The form, filled."""
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    return await form_page(ask, webhook, typed_from(webhook))


async def form_page(
    ask: PageAsk, webhook: Webhook, typed: Typed, *, status: int = 200, faults: Faults | None = None,
    differences: tuple[Difference, ...] = (), warnings: Sequence[str] = (), preview: Any = None,
) -> Response:  # fmt: skip
    """The form in any of its states."""
    offer = offer_of(webhook.event_types)
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
        form_id="",
        faults=faults,
        warnings=warnings,
        preview=preview,
        labels=LABELS,
        orders=ORDERS,
        summary=summary_of_order(typed.text),
        sign_in_choices=choices_of(webhook),
        sign_in_labels=LABELS_OF_SIGN_IN,
        sign_in_summary=summary_of_sign_in(typed.text, webhook),
        kinds=KINDS,
        sample_names=SAMPLE_NAMES,
        webhook=webhook,
        differences=differences,
        action=f"/webhook/{webhook.id}/edit",
        title=f"Edit {webhook.description}",
    )


async def save(ask: PageAsk) -> Response:
    """Change what the form holds; somebody else's change in between is shown, not overwritten."""
    form = Fields(values=ask.form())
    typed = typed_of(form)
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    members, faults = members_of(typed, with_url=bool(typed.text("url")))
    if faults:
        return await form_page(ask, webhook, typed, status=422, faults=faults_of(gathered(faults), FIELD_OF))
    if not form.flag("anyway") and (warnings := await warnings_of(ask, webhook, typed, members)):
        return await form_page(ask, webhook, typed, status=422, warnings=warnings)
    try:
        await ask.rooms.registrations.update(
            ask.caller,
            webhook.id,
            patch_of(members, form),
            if_version=form.whole("version"),
            origin=ask.origin,
        )
    except Invalid as refusal:
        shown = faults_of(gathered(refusal.faults), FIELD_OF, refusal.detail)
        return await form_page(ask, webhook, typed, status=422, faults=shown)
    except Conflict as refusal:
        if form.whole("version") == webhook.version:
            shown = faults_of((), {}, refusal.detail)
            return await form_page(ask, webhook, typed, status=409, faults=shown)
        return await form_page(ask, webhook, typed, status=409, differences=differences_of(webhook, typed))
    return see_other(ask, f"/webhook?open={webhook.id}", Note(text=f"Saved “{typed.text('description')}”."))


async def warnings_of(ask: PageAsk, webhook: Webhook, typed: Typed, members: dict[str, Any]) -> list[str]:
    """What is odd in a changed filter or template; what was saved so before is not told again."""
    before = typed_from(webhook)
    names = ("filter", "changed_fields", "template", "format")
    if set(before.types) == set(typed.types) and all(before.text(name) == typed.text(name) for name in names):
        return []
    content = {name: members[name] for name in ("eventTypes", "filter", "changedFields", "template", "format", "kind")}
    wish = PreviewWish(webhook_id=webhook.id, members=content, recent=0)
    try:
        found = await ask.rooms.registrations.preview(ask.caller, wish)
    except Invalid:
        return []
    return [] if found.told.faults else [one.detail for one in found.told.warnings]


def patch_of(members: dict[str, Any], form: Fields) -> dict[str, Any]:
    """Own headers and a certificate that were not typed again stay as they are; those that were ticked go."""
    patch = dict(members)
    removed = dict.fromkeys(form.many("drop_headers"))
    patch["headers"] = {**removed, **members["headers"]}
    if not patch["headers"]:
        del patch["headers"]
    if form.flag("drop_certificate") and "clientCertificate" not in patch:
        patch["clientCertificate"] = None
    return patch


def differences_of(webhook: Webhook, typed: Typed) -> tuple[Difference, ...]:
    """What differs between the stored webhook and the form."""
    theirs = typed_from(webhook)
    found = [
        Difference(label=LABELS.get(name, name), theirs=theirs.text(name), yours=typed.text(name))
        for name in theirs.texts
        if theirs.text(name) != typed.text(name)
    ]
    if set(theirs.types) != set(typed.types):
        mine = ", ".join(typed.types)
        found.append(Difference(label="Events", theirs=", ".join(theirs.types), yours=mine))
    return tuple(found)
