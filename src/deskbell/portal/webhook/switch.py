"""The slider, and what happens to events that were missed while it was off."""

from starlette.responses import Response

from deskbell.model.errors import Invalid
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, back_to, see_other


async def slide(ask: PageAsk) -> Response:
    """Set what the form wants, not the opposite of now: a double click is harmless."""
    wanted = Fields(values=ask.form()).text("enabled")
    if wanted not in ("true", "false"):
        raise Invalid("The slider is true or false.")
    await ask.rooms.registrations.set_slider(ask.caller, wanted == "true", origin=ask.origin)
    return see_other(ask, back_to(ask, "/webhook"))


async def save_features(ask: PageAsk) -> Response:
    """The checkbox of the Developer Corner: the same state."""
    enabled = Fields(values=ask.form()).flag("webhooksEnabled")
    await ask.rooms.registrations.set_slider(ask.caller, enabled, origin=ask.origin)
    text = "Saved: webhooks are sent." if enabled else "Saved: webhooks are off."
    return see_other(ask, "/developer-corner", Note(text=text))


async def answer_restored(ask: PageAsk) -> Response:
    """Send what waits since a restore, or cancel what was due before it; of all webhooks, or of one."""
    fields = Fields(values=ask.form())
    answer, webhook_id = fields.text("answer"), fields.text("webhook") or None
    await ask.rooms.registrations.answer_restored(ask.caller, answer, webhook_id, origin=ask.origin)
    sent = "What waited is sent now." if answer == "send" else "What was due before the restore is cancelled."
    return see_other(ask, back_to(ask, "/webhook"), Note(text=sent))


async def answer_missed(ask: PageAsk) -> Response:
    """Leave the missed events, or replay them."""
    answer = Fields(values=ask.form()).text("answer")
    if answer == "replay":
        made = await ask.rooms.replays.begin_missed(ask.caller, origin=ask.origin)
        return see_other(ask, f"/replays/{made.id}")
    await ask.rooms.registrations.answer_missed(ask.caller, answer, origin=ask.origin)
    return see_other(ask, back_to(ask, "/webhook"), Note(text="The missed events stay recorded and are not sent."))
