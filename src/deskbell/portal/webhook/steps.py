"""Changes of one webhook: pause, resume, enable, disable, delete, rotate, test. Some ask on a page first."""

from starlette.responses import Response

from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal.actor import actor_of
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.webhook.detail import Opened, ShownSecret
from deskbell.portal.webhook.show import from_dialog
from deskbell.portal.words import plural
from deskbell.webhooks import Released

OVERLAPS = ((86_400, "24 h"), (3_600, "1 h"), (604_800, "7 d"), (0, "0 (stops now)"))
DROPS = ((600, "10 min"), (3_600, "1 h"), (86_400, "24 h"))


async def waiting_of(ask: PageAsk, webhook_id: str) -> int:
    """How many of its deliveries wait."""
    counts = await ask.rooms.store.deliveries.waiting(ask.site)
    return next((one.waiting for one in counts if one.webhook_id == webhook_id), 0)


async def drops_of(ask: PageAsk, webhook: Webhook) -> list[tuple[int, str, Released]]:
    """What resuming may drop, as seconds, words, and what would become of the held deliveries."""
    if webhook.state is not WebhookState.PAUSED:
        return []
    would = ask.rooms.registrations.would_resume
    return [(seconds, words, await would(ask.site, webhook.id, seconds)) for seconds, words in DROPS]


def released_words(found: Released) -> str:
    """What became of the held deliveries."""
    kept = (
        f"{plural(found.kept, 'held delivery is', 'held deliveries are')} sent now, oldest first" if found.kept else ""
    )
    cancelled = f"{plural(found.cancelled, 'was', 'were')} cancelled" if found.cancelled else ""
    said = ", ".join(one for one in (kept, cancelled) if one)
    return f" {said}." if said else ""


async def ask_first(ask: PageAsk) -> Response:
    """The page of a change that needs an answer: pause, resume, enable, rotate, delete."""
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    verb = ask.request.url.path.rsplit("/", 1)[1]
    return await respond(
        ask,
        "pages/webhook_step.html",
        part="parts/webhook_step.html",
        webhook=webhook,
        verb=verb,
        waiting=await waiting_of(ask, webhook.id),
        overlaps=OVERLAPS,
        drops=await drops_of(ask, webhook) if verb == "resume" else [],
    )


async def pause(ask: PageAsk) -> Response:
    """Hold its deliveries."""
    minutes = Fields(values=ask.form()).whole("minutes")
    webhook = await ask.rooms.registrations.pause(ask.caller, ask.path("id"), minutes, origin=ask.origin)
    note = Note(
        text=f"Paused “{webhook.description}”. Deliveries are held.",
        undo=f"/webhook/{webhook.id}/resume",
        undo_label="Resume",
    )
    return see_other(ask, f"/webhook?open={webhook.id}", note)


async def resume(ask: PageAsk) -> Response:
    """Send what was held."""
    older = Fields(values=ask.form()).whole("drop_older_than_s")
    found = await ask.rooms.registrations.resume(ask.caller, ask.path("id"), older, origin=ask.origin)
    text = f"Resumed “{found.webhook.description}”." + released_words(found)
    return see_other(ask, f"/webhook?open={found.webhook.id}", Note(text=text))


async def enable(ask: PageAsk) -> Response:
    """Enable it; its held deliveries resume or are cancelled."""
    held = Fields(values=ask.form()).text("held", "resume")
    found = await ask.rooms.registrations.enable(ask.caller, ask.path("id"), held, origin=ask.origin)
    text = f"Enabled “{found.webhook.description}”." + released_words(found)
    return see_other(ask, f"/webhook?open={found.webhook.id}", Note(text=text))


async def disable(ask: PageAsk) -> Response:
    """Stop making deliveries."""
    reason = Fields(values=ask.form()).given("reason")
    webhook = await ask.rooms.registrations.disable(ask.caller, ask.path("id"), reason, origin=ask.origin)
    note = Note(
        text=f"Disabled “{webhook.description}”. Events are recorded, nothing is sent.",
        undo=f"/webhook/{webhook.id}/enable",
        undo_label="Enable",
    )
    return see_other(ask, f"/webhook?open={webhook.id}", note)


async def delete(ask: PageAsk) -> Response:
    """Delete it; the next page offers to undo."""
    reason = Fields(values=ask.form()).given("reason")
    webhook_id = ask.path("id")
    webhook = await ask.rooms.registrations.get(ask.site, webhook_id)
    await ask.rooms.registrations.delete(ask.caller, webhook_id, reason, origin=ask.origin)
    after = await ask.rooms.store.webhooks.get(ask.site, webhook_id)
    cancelled = after.deletion.cancelled if after and after.deletion else 0
    were = "delivery was" if cancelled == 1 else "deliveries were"
    text = f"Deleted “{webhook.description}”." + (f" {cancelled} waiting {were} cancelled." if cancelled else "")
    return see_other(ask, "/webhook", Note(text=text, undo=f"/webhook/{webhook_id}/undo-delete"))


async def rotate(ask: PageAsk) -> Response:
    """A new secret, shown once in this answer."""
    overlap_s = Fields(values=ask.form()).whole("overlap_s")
    webhook_id = ask.path("id")
    made = await ask.rooms.registrations.rotate(ask.caller, webhook_id, overlap_s, origin=ask.origin)
    until = made.previous_valid_until
    words = "The new secret signs from now on. " + (
        "The old one stays valid for now, so the receiver misses nothing."
        if until
        else "The old one is no longer valid."
    )
    secrets = [ShownSecret(text=made.secret_text, valid_until=None)]
    now = ask.rooms.clock.now()
    return await from_dialog(ask, Opened(webhook_id=webhook_id, secrets=secrets, shown_at=now, words=words))


async def end_overlap(ask: PageAsk) -> Response:
    """Only the newest secret signs."""
    webhook_id = ask.path("id")
    await ask.rooms.registrations.end_overlap(ask.caller, webhook_id, origin=ask.origin)
    return see_other(ask, f"/webhook?open={webhook_id}", Note(text="The old secret is no longer valid."))


async def choose_test(ask: PageAsk) -> Response:
    """Choose the webhook that gets a test event."""
    rows = [one for one in await ask.rooms.registrations.list(ask.site) if one.deletion is None]
    return await respond(ask, "pages/webhook_test.html", part="parts/webhook_test.html", rows=rows)


async def test(ask: PageAsk) -> Response:
    """Send a test event and open its delivery."""
    webhook_id = ask.request.path_params.get("id") or Fields(values=ask.form()).text("webhook")
    webhook = await ask.rooms.registrations.get(ask.site, webhook_id)
    delivery_id = await ask.rooms.engine.send_test(ask.site, webhook.id, by=actor_of(ask))
    return see_other(ask, f"/deliveries/{delivery_id}", Note(text=f"Test event sent to “{webhook.description}”."))


async def send_one(ask: PageAsk) -> Response:
    """Send the oldest waiting delivery now."""
    webhook_id = (await ask.rooms.registrations.get(ask.site, ask.path("id"))).id
    which = DeliveryFilter(webhook_ids=(webhook_id,), states=("waiting",))
    oldest = await ask.rooms.store.deliveries.page(ask.site, which, "dlv_", 1, newer=True)
    if not oldest:
        return see_other(ask, f"/webhook?open={webhook_id}", Note(text="Nothing waits for this webhook."))
    delivery = await ask.rooms.engine.redeliver(ask.site, oldest[0].id, by=ask.caller.name)
    return see_other(
        ask, f"/deliveries/{delivery.id}", Note(text="Sent now. This page shows the outcome when it comes.")
    )
