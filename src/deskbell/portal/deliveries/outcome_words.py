"""What a person is told after they sent a delivery again."""

import asyncio

from deskbell.model.delivery import Attempt, Delivery, DeliveryState
from deskbell.portal import words
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk

WAIT_S = 1.5
"""So long the answer waits for a quick receiver; the page is live anyway."""


async def after_sending(ask: PageAsk, delivery: Delivery) -> Note:
    """The outcome when it comes soon, else that it is on its way."""
    told = asyncio.Event()
    found: list[Attempt] = []

    def heard(detail: object) -> None:
        if isinstance(detail, Attempt) and detail.delivery_id == delivery.id and detail.number > delivery.attempts:
            found.append(detail)
            told.set()

    end = ask.rooms.doorbell.listen("attempt", heard)
    try:
        attempts = await ask.rooms.store.deliveries.attempts(ask.site, delivery.id)
        found += [one for one in attempts if one.number > delivery.attempts]
        if not found:
            await asyncio.wait_for(told.wait(), WAIT_S)
    except TimeoutError:
        return Note(text="Sent again; no answer yet. This page shows it when it comes.")
    finally:
        end()
    return outcome_note(found[-1], delivery)


def outcome_note(attempt: Attempt, before: Delivery) -> Note:
    """`Sent again: 200 in 287 ms.` or what went wrong."""
    shown = attempt.outcome.status or attempt.outcome.name
    if attempt.outcome.kind.value in ("delivered", "accepted"):
        return Note(text=f"Sent again: {shown} in {words.took(attempt.timing.total_ms)}.")
    goes_on = " Scheduled retries go on." if before.state is DeliveryState.WAITING else ""
    return Note(text=f"Sent again, failed again: {shown}.{goes_on}", tone="warn")
