"""The site's settings, the slider, and what was missed while it was off."""

import asyncio
from typing import Any

import pytest

from deskbell.model.errors import Conflict, Invalid
from engine.world import until
from webhooks.office import ANA, ORIGIN, Office


async def test_off_holds_and_records(office: Office) -> None:
    """While off, events are recorded and nothing is sent; on again, what waited goes and the rest is asked about."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await office.waiting(1, webhook.id)
    await office.rooms.resume(ANA, webhook.id, None, origin=ORIGIN)
    await until(lambda: len(office.world.sender.requests) == 1)
    office.world.clock.advance(5)
    off = await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    assert (off.webhooks_enabled, off.slider_by, off.off_since) == (False, "Ana Ruiz", office.world.clock.now())
    office.world.clock.advance(5)
    await office.waiting(3, webhook.id)
    assert await office.rooms.missed_count("dd") is None
    office.world.clock.advance(5)
    on = await office.rooms.set_slider(ANA, True, origin=ORIGIN)
    assert on.off_since is None
    assert await office.rooms.missed_count("dd") == (3, off.off_since)
    await office.world.quiet()
    assert len(office.world.sender.requests) == 1


async def test_answered_once(office: Office) -> None:
    """Leave them closes the question; then there is none."""
    await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    office.world.clock.advance(1)
    await office.world.publish()
    office.world.clock.advance(1)
    await office.rooms.set_slider(ANA, True, origin=ORIGIN)
    with pytest.raises(Invalid, match="replay or leave"):
        await office.rooms.answer_missed(ANA, "perhaps", origin=ORIGIN)
    site = await office.rooms.answer_missed(ANA, "leave", origin=ORIGIN)
    assert site.missed is None
    assert await office.rooms.missed_count("dd") is None
    with pytest.raises(Conflict):
        await office.rooms.answer_missed(ANA, "leave", origin=ORIGIN)


async def test_nothing_missed_asks_nothing(office: Office) -> None:
    """Off and on without an event in between leaves no question."""
    await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    office.world.clock.advance(60)
    site = await office.rooms.set_slider(ANA, True, origin=ORIGIN)
    assert site.missed is None


async def test_an_open_question_stays(office: Office) -> None:
    """Off a second time before the answer: the first time off is not forgotten."""
    first = await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    office.world.clock.advance(1)
    await office.world.publish()
    office.world.clock.advance(1)
    await office.rooms.set_slider(ANA, True, origin=ORIGIN)
    await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    office.world.clock.advance(1)
    await office.rooms.set_slider(ANA, True, origin=ORIGIN)
    assert await office.rooms.missed_count("dd") == (1, first.off_since)


async def test_the_wanted_value_twice_is_harmless(office: Office) -> None:
    """A double click changes once and is audited once."""
    await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    again = await office.rooms.set_slider(ANA, False, origin=ORIGIN)
    assert again.version == 2
    assert [one.operation for one in await office.audit()] == ["site.slider"]


async def test_patch_of_the_site(office: Office) -> None:
    """Members of the API set, null goes back to the default, the version counts."""
    site = await office.rooms.update_site(
        ANA,
        {
            "name": "Desk 2", "timeZone": "Europe/Vienna", "locale": "de-AT", "retentionDays": 90,
            "chatLink": "https://desk.example/c/{id}", "allowedReceivers": ["Hooks.Example.com", "*.example.org"],
            "notify": ["ana@desk.example"], "auditRetentionDays": 500,
        },
        origin=ORIGIN,
    )  # fmt: skip
    assert site == await office.world.store.sites.get("dd")
    assert (site.name, site.time_zone, site.locale, site.version) == ("Desk 2", "Europe/Vienna", "de-AT", 2)
    assert site.allowed_receivers == ("hooks.example.com", "*.example.org")
    back = await office.rooms.update_site(ANA, {"chatLink": None, "retentionDays": None}, origin=ORIGIN)
    assert (back.chat_link, back.retention_days) == (None, 30)
    assert office.told == ["dd", "dd"]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"webhooksEnabled": "yes"}, "/webhooksEnabled"),
        ({"webhooksEnabled": None}, "/webhooksEnabled"),
        ({"timeZone": "Mars/Olympus"}, "/timeZone"),
        ({"timeZone": "../etc/passwd"}, "/timeZone"),
        ({"locale": "german"}, "/locale"),
        ({"chatLink": "https://desk.example/"}, "/chatLink"),
        ({"ticketLink": "javascript:{id}"}, "/ticketLink"),
        ({"allowedReceivers": ["a b"]}, "/allowedReceivers/0"),
        ({"allowedReceivers": ["ok.example", "https://x.example"]}, "/allowedReceivers/1"),
        ({"allowedReceivers": "x"}, "/allowedReceivers"),
        ({"retentionDays": 0}, "/retentionDays"),
        ({"retentionDays": 401}, "/retentionDays"),
        ({"auditRetentionDays": 1}, "/auditRetentionDays"),
        ({"notify": ["nobody"]}, "/notify/0"),
        ({"notify": ["a@b.example\r\nBcc: x@y.example"]}, "/notify/0"),
        ({"msp": "x"}, "/msp"),
        ({"version": 1}, "/version"),
    ],
)
async def test_refused_settings(office: Office, members: dict[str, Any], pointer: str) -> None:
    """A bad member is refused where it stands, and nothing changes."""
    with pytest.raises(Invalid) as caught:
        await office.rooms.update_site(ANA, members, origin=ORIGIN)
    assert [one.pointer for one in caught.value.faults] == [pointer]
    assert (await office.world.store.sites.get("dd")).version == 1


async def test_two_at_once(office: Office) -> None:
    """Two changes at the same moment both happen."""
    await asyncio.gather(
        office.rooms.update_site(ANA, {"name": "A"}, origin=ORIGIN),
        office.rooms.set_slider(ANA, False, origin=ORIGIN),
    )
    site = await office.world.store.sites.get("dd")
    assert (site.version, site.name, site.webhooks_enabled) == (3, "A", False)
    with pytest.raises(Conflict, match="version 3"):
        await office.rooms.update_site(ANA, {"name": "B"}, if_version=2, origin=ORIGIN)
