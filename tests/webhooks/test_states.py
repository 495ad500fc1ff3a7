"""Pause, resume, disable, enable, delete, restore: what is legal, held, cancelled and brought back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deskbell.model.errors import Conflict, Invalid
from deskbell.model.webhook import WebhookState
from engine.world import until
from webhooks.office import ANA, ORIGIN, SCRIPT, Office

DAY_S = 86_400.0
Verb = Callable[[Office, str], Awaitable[Any]]
VERBS: dict[str, Verb] = {
    "pause": lambda office, webhook_id: office.rooms.pause(ANA, webhook_id, None, origin=ORIGIN),
    "resume": lambda office, webhook_id: office.rooms.resume(ANA, webhook_id, None, origin=ORIGIN),
    "enable": lambda office, webhook_id: office.rooms.enable(ANA, webhook_id, "resume", origin=ORIGIN),
    "disable": lambda office, webhook_id: office.rooms.disable(ANA, webhook_id, "moving house", origin=ORIGIN),
    "delete": lambda office, webhook_id: office.rooms.delete(ANA, webhook_id, "not used", origin=ORIGIN),
    "restore": lambda office, webhook_id: office.rooms.restore(ANA, webhook_id, False, origin=ORIGIN),
    "update": lambda office, webhook_id: office.rooms.update(ANA, webhook_id, {"description": "x"}, origin=ORIGIN),
    "rotate": lambda office, webhook_id: office.rooms.rotate(ANA, webhook_id, None, origin=ORIGIN),
    "reveal": lambda office, webhook_id: office.rooms.reveal(ANA, webhook_id, origin=ORIGIN),
}
LEGAL = {
    "enabled": {"pause", "disable", "delete", "update", "rotate", "reveal"},
    "paused": {"pause", "resume", "disable", "delete", "update", "rotate", "reveal"},
    "disabled": {"enable", "delete", "update", "rotate", "reveal"},
    "deleted": {"restore"},
}
TO = {"enabled": [], "paused": ["pause"], "disabled": ["disable"], "deleted": ["delete"]}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", LEGAL)
async def test_legal_states(office: Office, state: str, verb: str) -> None:
    """Each verb goes from its states only; else the refusal names the present state and nothing changes."""
    webhook = (await office.made()).webhook
    for step in TO[state]:
        await VERBS[step](office, webhook.id)
    before, rows = await office.rooms.get("dd", webhook.id), len(await office.audit())
    if verb in LEGAL[state]:
        await VERBS[verb](office, webhook.id)
        assert len(await office.audit()) == rows + 1
        return
    with pytest.raises(Conflict, match=state):
        await VERBS[verb](office, webhook.id)
    assert await office.rooms.get("dd", webhook.id) == before
    assert len(await office.audit()) == rows


async def test_pause_holds_and_resume_sends(office: Office) -> None:
    """What happens while paused is sent on resume."""
    webhook = (await office.made()).webhook
    paused = await office.rooms.pause(ANA, webhook.id, 30, origin=ORIGIN)
    assert (paused.state, paused.state_by.name) == (WebhookState.PAUSED, "Ana Ruiz")  # type: ignore[union-attr]  # set
    assert paused.paused_until == office.world.clock.now() + 30 * 60 * 10_000_000
    await office.waiting(2, webhook.id)
    await office.world.quiet()
    assert office.world.sender.requests == []
    found = await office.rooms.resume(ANA, webhook.id, None, origin=ORIGIN)
    await until(lambda: len(office.world.sender.requests) == 2)
    resumed = found.webhook
    assert (found.kept, found.cancelled) == (2, 0)
    assert (resumed.state, resumed.paused_until) == (WebhookState.ENABLED, None)


async def test_resume_drops_what_is_old(office: Office) -> None:
    """What waited longer than was said is cancelled, the rest is sent."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await office.waiting(2, webhook.id)
    office.world.clock.advance(7_200)
    await office.waiting(1, webhook.id)
    told = await office.rooms.would_resume("dd", webhook.id, 3_600)
    found = await office.rooms.resume(ANA, webhook.id, 3_600, origin=ORIGIN)
    assert (told.kept, told.cancelled) == (found.kept, found.cancelled) == (1, 2)
    await until(lambda: len(office.world.sender.requests) == 1)
    assert len(await office.deliveries(webhook.id, "cancelled")) == 2


@pytest.mark.parametrize(("held", "sent"), [("resume", 1), ("cancel", 0)])
async def test_enable_asks_about_what_is_held(office: Office, held: str, sent: int) -> None:
    """Held deliveries are sent or cancelled, as wished; events while disabled make none."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await office.waiting(1, webhook.id)
    await office.rooms.disable(ANA, webhook.id, "down", origin=ORIGIN)
    await office.waiting(1, webhook.id)
    told = await office.rooms.would_enable("dd", webhook.id, held)
    found = await office.rooms.enable(ANA, webhook.id, held, origin=ORIGIN)
    assert (told.kept, told.cancelled) == (found.kept, found.cancelled) == (sent, 1 - sent)
    await office.world.publish()
    await until(lambda: len(office.world.sender.requests) == sent + 1)
    states = sorted(one.state.value for one in await office.deliveries(webhook.id))
    assert len(states) == 2
    assert states.count("cancelled") == 1 - sent


async def test_disabled_by_a_person_is_told(office: Office) -> None:
    """The system event is the same as for a disabling by Deskbell, with who and why."""
    webhook = (await office.made()).webhook
    after = await office.rooms.disable(ANA, webhook.id, "moving house", origin=ORIGIN)
    told = (await office.events("webhook.disabled"))[-1]
    assert (told["actor"]["name"], told["reason"]) == ("Ana Ruiz", "moving house")
    assert after.state_reason == "moving house"


async def test_delete_cancels_and_remembers(office: Office) -> None:
    """The row keeps who, when, why and how many deliveries were cancelled."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await office.waiting(3, webhook.id)
    deleted = await office.rooms.delete(SCRIPT, webhook.id, "not used", origin=ORIGIN)
    assert deleted.deletion is not None
    assert (deleted.deletion.cancelled, deleted.deletion.reason, deleted.deletion.by.kind) == (3, "not used", "key")
    assert len(await office.deliveries(webhook.id, "cancelled")) == 3
    assert (await office.events("webhook.deleted"))[-1]["reason"] == "not used"
    await office.world.publish()
    assert len(await office.deliveries(webhook.id)) == 3


async def test_restore_brings_all_back(office: Office) -> None:
    """Same id, URL and secret, the state of before, and on wish what the deletion cancelled."""
    made = await office.made()
    await office.rooms.pause(ANA, made.webhook.id, None, origin=ORIGIN)
    earlier = (await office.waiting(1, made.webhook.id))[0]
    await office.world.engine.cancel("dd", earlier)
    office.world.clock.advance(60)
    await office.waiting(450, made.webhook.id)
    await office.rooms.delete(ANA, made.webhook.id, None, origin=ORIGIN)
    office.world.clock.advance(29 * DAY_S)
    back = await office.rooms.restore(ANA, made.webhook.id, True, origin=ORIGIN)
    assert (back.id, back.state, back.deletion) == (made.webhook.id, WebhookState.PAUSED, None)
    assert len(await office.deliveries(back.id, "waiting")) == 450
    assert [one.id for one in await office.deliveries(back.id, "cancelled")] == [earlier]
    assert await office.rooms.secrets("dd", back.id) == [made.secret_text]
    assert (await office.rooms.reveal(ANA, back.id, origin=ORIGIN)).url_text == made.url_text
    await office.rooms.resume(ANA, back.id, None, origin=ORIGIN)
    await until(lambda: len(office.world.sender.requests) == 450)


async def test_restore_leaves_them(office: Office) -> None:
    """Without the wish, what was cancelled stays cancelled; new events are sent again."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, 1, origin=ORIGIN)
    await office.waiting(2, webhook.id)
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    office.world.clock.advance(120)
    back = await office.rooms.restore(ANA, webhook.id, False, origin=ORIGIN)
    assert (back.state, back.paused_until) == (WebhookState.ENABLED, None)
    assert len(await office.deliveries(webhook.id, "cancelled")) == 2
    await office.world.publish()
    await until(lambda: len(office.world.sender.requests) == 1)


async def test_too_old_to_restore(office: Office) -> None:
    """After 30 days the way back is closed."""
    webhook = (await office.made()).webhook
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    office.world.clock.advance(30 * DAY_S)
    with pytest.raises(Conflict, match="too long ago"):
        await office.rooms.restore(ANA, webhook.id, False, origin=ORIGIN)


@pytest.mark.parametrize(
    ("call", "pointer"),
    [
        (lambda rooms, webhook_id: rooms.pause(ANA, webhook_id, 0, origin=ORIGIN), "/minutes"),
        (lambda rooms, webhook_id: rooms.pause(ANA, webhook_id, 525_601, origin=ORIGIN), "/minutes"),
        (lambda rooms, webhook_id: rooms.resume(ANA, webhook_id, -1, origin=ORIGIN), "/dropOlderThanSeconds"),
        (lambda rooms, webhook_id: rooms.enable(ANA, webhook_id, "maybe", origin=ORIGIN), "/held"),
        (lambda rooms, webhook_id: rooms.disable(ANA, webhook_id, "a\nb", origin=ORIGIN), "/reason"),
        (lambda rooms, webhook_id: rooms.delete(ANA, webhook_id, "", origin=ORIGIN), "/reason"),
        (lambda rooms, webhook_id: rooms.rotate(ANA, webhook_id, 604_801, origin=ORIGIN), "/overlapSeconds"),
    ],
)
async def test_bad_arguments(office: Office, call: Callable[[Any, str], Awaitable[Any]], pointer: str) -> None:
    """What a step is told is checked before anything changes."""
    webhook = (await office.made()).webhook
    with pytest.raises(Invalid) as caught:
        await call(office.rooms, webhook.id)
    assert [one.pointer for one in caught.value.faults] == [pointer]


async def test_overtaken_steps_go_on(office: Office) -> None:
    """Two changes at the same moment both happen, one after the other."""
    webhook = (await office.made()).webhook
    await asyncio.gather(
        office.rooms.update(ANA, webhook.id, {"description": "b"}, origin=ORIGIN),
        office.rooms.update(SCRIPT, webhook.id, {"timeoutSeconds": 7}, origin=ORIGIN),
        office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN),
    )
    after = await office.rooms.get("dd", webhook.id)
    assert (after.version, after.description, after.timeout_s, after.state.value) == (4, "b", 7, "paused")
