"""Display detail, rotation and overlap; and that no secret is told where it does not belong."""

import json

import pytest

from deskbell.model.changes import Refused
from deskbell.model.errors import Busy, Conflict, Forbidden, Throttled
from webhooks.office import ANA, ORIGIN, SCRIPT, URL, Office, signed_in

HEADER = "header-value-nobody-sees"


async def test_reveal_is_audited_first(office: Office) -> None:
    """URL and secret are shown only when the audit row is durable; header values never are."""
    made = await office.made(headers={"X-Key": HEADER})
    found = await office.rooms.reveal(ANA, made.webhook.id, origin=ORIGIN)
    assert (found.url_text, [one.text for one in found.secrets]) == (URL, [made.secret_text])
    entry = (await office.audit())[-1]
    assert (entry.operation, entry.actor.name, entry.address) == ("webhook.reveal", "Ana Ruiz", "192.0.2.7")
    office.world.store.refuse_with = Refused(reason="busy")
    with pytest.raises(Busy):
        await office.rooms.reveal(ANA, made.webhook.id, origin=ORIGIN)
    office.world.store.refuse_with = None


async def test_reveal_needs_a_fresh_password(office: Office) -> None:
    """A person confirms at most ten minutes before; a key has its scope."""
    made = await office.made()
    await office.rooms.reveal(signed_in(600, office.world), made.webhook.id, origin=ORIGIN)
    with pytest.raises(Forbidden):
        await office.rooms.reveal(signed_in(601, office.world), made.webhook.id, origin=ORIGIN)
    await office.rooms.reveal(SCRIPT, made.webhook.id, origin=ORIGIN)


async def test_thirty_an_hour(office: Office) -> None:
    """The 31st waits until the hour is over; others are not held up."""
    made = await office.made()
    for _ in range(30):
        await office.rooms.reveal(ANA, made.webhook.id, origin=ORIGIN)
    office.world.clock.advance(600)
    with pytest.raises(Throttled, match="You displayed 30 details") as caught:
        await office.rooms.reveal(ANA, made.webhook.id, origin=ORIGIN)
    assert 2_990 < caught.value.retry_after_s <= 3_002
    await office.rooms.reveal(SCRIPT, made.webhook.id, origin=ORIGIN)
    office.world.clock.advance(3_001)
    await office.rooms.reveal(ANA, made.webhook.id, origin=ORIGIN)


async def test_rotation_overlaps(office: Office) -> None:
    """Both secrets sign during the overlap, then the new one alone."""
    made = await office.made()
    office.world.clock.advance(1)
    rotated = await office.rooms.rotate(ANA, made.webhook.id, 3_600, origin=ORIGIN)
    assert rotated.previous_valid_until == office.world.clock.now() + 3_600 * 10_000_000
    assert await office.rooms.secrets("dd", made.webhook.id) == [rotated.secret_text, made.secret_text]
    await office.world.publish()
    await office.world.quiet()
    assert len(office.world.sender.headers()["webhook-signature"].split()) == 2
    office.world.clock.advance(3_601)
    await office.world.publish()
    await office.world.quiet()
    assert len(office.world.sender.headers()["webhook-signature"].split()) == 1
    assert await office.rooms.secrets("dd", made.webhook.id) == [rotated.secret_text]


async def test_overlap_of_nothing_ends_all_old_ones(office: Office) -> None:
    """With an overlap of 0 only the new secret is valid, whatever overlapped before."""
    made = await office.made()
    office.world.clock.advance(1)
    await office.rooms.rotate(ANA, made.webhook.id, None, origin=ORIGIN)
    office.world.clock.advance(1)
    last = await office.rooms.rotate(ANA, made.webhook.id, 0, origin=ORIGIN)
    assert last.previous_valid_until is None
    assert await office.rooms.secrets("dd", made.webhook.id) == [last.secret_text]


async def test_end_overlap(office: Office) -> None:
    """The old secret ends at once; without an overlap there is nothing to end."""
    made = await office.made()
    with pytest.raises(Conflict, match="no overlap runs"):
        await office.rooms.end_overlap(ANA, made.webhook.id, origin=ORIGIN)
    office.world.clock.advance(1)
    rotated = await office.rooms.rotate(ANA, made.webhook.id, None, origin=ORIGIN)
    await office.rooms.end_overlap(ANA, made.webhook.id, origin=ORIGIN)
    assert await office.rooms.secrets("dd", made.webhook.id) == [rotated.secret_text]


async def test_a_clock_set_back(office: Office) -> None:
    """The new secret is the newest whatever the clock says, so that ending the overlap ends the old one."""
    made = await office.made()
    for _ in range(2):
        office.world.clock.advance(-5)
        rotated = await office.rooms.rotate(ANA, made.webhook.id, 3_600, origin=ORIGIN)
        assert (await office.rooms.secrets("dd", made.webhook.id))[0] == rotated.secret_text
    await office.rooms.end_overlap(ANA, made.webhook.id, origin=ORIGIN)
    assert await office.rooms.secrets("dd", made.webhook.id) == [rotated.secret_text]


async def test_at_most_five_live(office: Office) -> None:
    """A sixth valid secret is refused until an overlap ends."""
    made = await office.made()
    for _ in range(4):
        office.world.clock.advance(1)
        await office.rooms.rotate(ANA, made.webhook.id, 604_800, origin=ORIGIN)
    with pytest.raises(Conflict, match="5 secrets"):
        await office.rooms.rotate(ANA, made.webhook.id, None, origin=ORIGIN)
    await office.rooms.rotate(ANA, made.webhook.id, 0, origin=ORIGIN)


async def test_no_secret_is_told(office: Office) -> None:
    """Audit rows, events, stored rows and reprs hold no secret, full URL or header value, whatever was done."""
    made = await office.made(headers={"X-Key": HEADER})
    webhook_id = made.webhook.id
    changed = await office.rooms.update(
        ANA, webhook_id, {"headers": {"X-Key": HEADER + "2"}, "receiverUrl": URL + "2"}, origin=ORIGIN
    )
    office.world.clock.advance(1)
    rotated = await office.rooms.rotate(ANA, webhook_id, None, origin=ORIGIN)
    revealed = await office.rooms.reveal(ANA, webhook_id, origin=ORIGIN)
    await office.rooms.end_overlap(ANA, webhook_id, origin=ORIGIN)
    await office.rooms.delete(ANA, webhook_id, None, origin=ORIGIN)
    stored = await office.world.store.webhooks.secrets("dd", webhook_id)
    told = [*await office.audit(), made, changed, rotated, revealed, stored, await office.rooms.get("dd", webhook_id)]
    text = "\n".join(map(repr, told)) + json.dumps(await office.events())
    for secret in (made.secret_text, rotated.secret_text, HEADER, "very-secret"):
        assert secret not in text
        assert secret.removeprefix("whsec_")[:16] not in text


async def test_audit_names_what_changed(office: Office) -> None:
    """Only the members that differ, as they were and as they are."""
    made = await office.made(headers={"X-Key": HEADER})
    await office.rooms.update(ANA, made.webhook.id, {"timeoutSeconds": 9, "headers": {"X-Key": "n"}}, origin=ORIGIN)
    entry = (await office.audit())[-1]
    before, after = json.loads(entry.before or ""), json.loads(entry.after or "")
    assert (before["timeoutSeconds"], after["timeoutSeconds"]) == (None, 9)
    assert set(before) == {"timeoutSeconds", "headers"}
    assert after["headers"]["X-Key"].startswith("•••• ")
    assert before["headers"] != after["headers"]
