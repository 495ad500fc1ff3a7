"""The inspector: the list of bins, making one, changing and deleting one."""

from starlette.responses import Response

from deskbell.inspector import SCRIPTS
from deskbell.model.errors import Conflict, Invalid
from deskbell.model.webhook import WebhookState
from deskbell.portal.actor import actor_of
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond, see_other

FIELDS = {"name": "name", "webhookId": "webhook", "script": "script"}


async def show(ask: PageAsk) -> Response:
    """The bins of the site."""
    return await page(ask, new_form_id(ask))


async def page(ask: PageAsk, form_id: str, faults: Faults | None = None, name: str = "", status: int = 200) -> Response:
    """The list with the form in any of its states."""
    webhooks = [one for one in await ask.rooms.store.webhooks.all(ask.site) if one.state is not WebhookState.DELETED]
    return await respond(
        ask,
        "pages/inspector.html",
        status=status,
        bins=await ask.rooms.inspector.list(ask.site),
        webhooks=webhooks,
        scripts=tuple(SCRIPTS),
        faults=faults,
        name=name,
        form_id=form_id,
    )


async def create(ask: PageAsk) -> Response:
    """A new bin, once for each form."""
    form = Fields(values=ask.form())
    form_id = form.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        before = await made_before(ask, form_id)
        if before is not None:
            return see_other(ask, f"/inspector/{before}")
        try:
            made = await ask.rooms.inspector.create(
                ask.caller,
                form.text("name"),
                form.given("webhook"),
                form.text("script", "always ok"),
                origin=ask.origin,
            )
        except (Invalid, Conflict) as refusal:
            faults = faults_of(refusal.faults, FIELDS, refusal.detail)
            return await page(ask, form_id, faults, form.text("name"), refusal.status)
        await remember(ask, form_id, made.id)
    return see_other(ask, f"/inspector/{made.id}")


async def change(ask: PageAsk) -> Response:
    """Another script, another webhook whose secret verifies."""
    form = Fields(values=ask.form())
    patch: dict[str, object] = {"webhookId": form.given("webhook")}
    if form.given("script"):
        patch["script"] = form.text("script")
    row = await ask.rooms.inspector.change(ask.caller, ask.path("bin"), patch, origin=ask.origin)
    return see_other(ask, f"/inspector/{row.id}", Note(text="Changed. A new script begins at its first step."))


async def delete(ask: PageAsk) -> Response:
    """Delete a bin and its captures."""
    await ask.rooms.inspector.delete(ask.caller, ask.path("bin"), origin=ask.origin)
    return see_other(ask, "/inspector", Note(text="The bin and its captures were deleted."))


async def test(ask: PageAsk) -> Response:
    """Send a test event to the bin by a webhook that sends there."""
    row = await ask.rooms.inspector.get(ask.site, ask.path("bin"))
    if row.webhook_id is None:
        raise Conflict("Choose a webhook under “Checks with” first: its test event goes to that webhook's receiver.")
    delivery_id = await ask.rooms.engine.send_test(ask.site, row.webhook_id, by=actor_of(ask))
    note = Note(text="Test event sent.", link=f"/deliveries/{delivery_id}", link_label="Open the delivery")
    return see_other(ask, f"/inspector/{row.id}", note)
