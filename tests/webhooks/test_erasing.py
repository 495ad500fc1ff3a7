"""Erase a subject: who may, what goes, what stays, and that nothing sends it afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from deskbell.model.account import Role
from deskbell.model.changes import ArmTimer, EraseSubject
from deskbell.model.errors import Conflict, Forbidden, NotFound
from deskbell.model.event import Subject
from deskbell.model.timer import Timer
from deskbell.rules.permissions import ROLE_PERMISSIONS
from deskbell.webhooks import Erasures
from engine.world import SITE, START, answer, hang, ok, until, url_of
from webhooks.office import ANA, ORIGIN, SCRIPT, Office

TICKET = Subject(type="ticket", id="7", title="Printer of Priya")
ADMIN = replace(ANA, role=Role.ADMIN, permissions=ROLE_PERMISSIONS[Role.ADMIN])


def erasures(office: Office) -> tuple[Erasures, list[EraseSubject]]:
    """The use cases, and what was noted beside the database."""
    noted: list[EraseSubject] = []

    async def note(change: EraseSubject) -> None:
        noted.append(change)

    world = office.world
    made = Erasures(store=world.store, clock=world.clock, site_changed=world.engine.site_changed, note=note)
    return made, noted


async def published(office: Office, **members: Any) -> Any:
    """An event about the ticket."""
    return await office.world.publish(data=b'{"who":"Priya"}', subject=TICKET, **members)


async def test_content_goes_and_ids_stay(office: Office) -> None:
    """Waiting ones are cancelled, also in memory; nothing of it is sent again, in any way."""
    world = office.world
    sent = await world.webhook("custom.*")
    waits = await world.webhook("custom.*", character=answer(500))
    made = await published(office)
    other = await world.publish()
    await world.quiet()
    use, noted = erasures(office)
    found = await use.erase(ANA, ("ticket", "7"), origin=ORIGIN)
    assert (found.subject, found.title, found.events, found.waiting) == (("ticket", "7"), TICKET.title, 1, 1)
    assert [one.subject for one in noted] == [("ticket", "7")]
    event = await world.store.events.get(SITE, made.event_ids[0])
    assert (event.is_erased, event.subject) == (True, Subject(type="ticket", id="7"))
    assert await use.erased_at(event) == world.clock.now()
    assert [await world.state(made, n) for n in range(2)] == ["delivered", "cancelled"]
    requests = len(world.sender.requests)
    world.sender.characters[url_of(waits.id)] = ok
    await world.advance(100)
    for delivery_id in made.delivery_ids:
        for act in (world.engine.redeliver, world.engine.send_again):
            with pytest.raises(Conflict, match="erased on request") as refused:
                await act(SITE, delivery_id, by="Ann Lee")
            assert refused.value.reason == "erased"
        assert await world.engine.payload_of(SITE, delivery_id) is None
    with pytest.raises(Conflict, match="erased on request"):
        await world.engine.preview(SITE, event.id, sent.id)
    await world.quiet()
    assert len(world.sender.requests) == requests + 1  # the other event's retry
    assert not (await world.store.events.get(SITE, other.event_ids[0])).is_erased
    entry = (await office.audit())[-1]
    assert (entry.operation, entry.object_id, entry.actor.name) == ("subject.erase", "ticket:7", "Ana Ruiz")
    assert "Printer" not in (entry.after or "")


async def test_no_timer_tells_it_again(office: Office) -> None:
    """What waits for the subject to stay too long is disarmed with it; other timers stay."""
    world = office.world
    await published(office)
    stays = [Timer(site=SITE, rule="tmr_1", subject=f"ticket:{n}", epoch=1, due_at=START, since=START) for n in (7, 8)]
    await world.commit(*(ArmTimer(timer=one) for one in stays))
    use, _ = erasures(office)
    await use.erase(ANA, ("ticket", "7"), origin=ORIGIN)
    assert await world.store.timers.of_subjects(SITE, ["ticket:7", "ticket:8"]) == (stays[1],)


async def test_one_on_its_way_is_not_sent_again(office: Office) -> None:
    """An attempt that was under way comes back, and the delivery stays cancelled."""
    world = office.world
    await world.webhook("custom.*", character=hang)
    made = await published(office)
    await until(lambda: len(world.sender.hanging) == 1)
    use, _ = erasures(office)
    await use.erase(ANA, ("ticket", "7"), origin=ORIGIN)
    world.sender.answer_hanging(answer(500)(world.sender.requests[-1]))
    await world.advance(100)
    assert await world.state(made) == "cancelled"
    assert len(world.sender.requests) == 1


async def test_only_owners(office: Office) -> None:
    """An admin may not even look; a key of an owner may; unknown subjects are told so."""
    await published(office)
    use, noted = erasures(office)
    with pytest.raises(Forbidden, match="Only owners"):
        await use.look(ADMIN, ("ticket", "7"))
    with pytest.raises(Forbidden, match="Only owners"):
        await use.erase(ADMIN, ("ticket", "7"), origin=ORIGIN)
    with pytest.raises(NotFound, match="Nothing is kept"):
        await use.erase(ANA, ("ticket", "8"), origin=ORIGIN)
    assert noted == []
    assert (await use.erase(SCRIPT, ("ticket", "7"), origin=ORIGIN)).events == 1


async def test_another_site_is_another_subject(office: Office) -> None:
    """The border of all data."""
    await published(office)
    stranger = replace(await office.another_site(), role=Role.OWNER)
    use, _ = erasures(office)
    with pytest.raises(NotFound):
        await use.erase(stranger, ("ticket", "7"), origin=ORIGIN)
