"""Creating and changing webhooks: what is stored, told, audited and answered."""

from typing import Any

import pytest

from deskbell.model.errors import Conflict, Invalid, NotFound
from deskbell.model.webhook import SignatureSettings, WebhookState
from deskbell.rules.sealing import aad_field
from webhooks.office import ANA, ORIGIN, SCRIPT, URL, Office, spec

GIVEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_created_and_delivering(office: Office) -> None:
    """A new webhook gets the next event, signed with the secret of the one answer."""
    made = await office.made(headers={"X-Key": "top-secret-value"})
    await office.world.publish()
    await office.world.quiet()
    sent = office.world.sender.requests[-1]
    assert sent.url == URL == made.url_text
    assert ("X-Key", "top-secret-value") in sent.headers
    assert made.secret_text.startswith("whsec_")
    assert made.webhook.created_by.name == "Ana Ruiz"
    assert office.told == [made.webhook.id]
    assert (await office.rooms.get("dd", made.webhook.id)).receiver_url.masked == "https://hooks.example.com/…path"


async def test_own_secret_is_kept(office: Office) -> None:
    """A secret that somebody brings along signs."""
    made = await office.made(secret=GIVEN)
    assert made.secret_text == GIVEN
    assert await office.rooms.secrets("dd", made.webhook.id) == [GIVEN]


async def test_faults_store_nothing(office: Office) -> None:
    """A refused registration leaves no row behind."""
    with pytest.raises(Invalid) as caught:
        await office.rooms.create(ANA, spec(description="", receiver_url=None), origin=ORIGIN)
    assert {one.pointer for one in caught.value.faults} == {"/description", "/receiverUrl"}
    assert await office.rooms.list("dd") == ()
    assert await office.audit() == []


async def test_created_is_told(office: Office) -> None:
    """Another webhook hears of it, with the masked URL only."""
    await office.made(receiver_url="https://system.example.com/in", event_types=("webhook.*",))
    made = await office.made(SCRIPT)
    await office.world.quiet()
    told = [one for one in office.world.sender.requests if one.url == "https://system.example.com/in"]
    assert [dict(one.headers)["deskbell-event"] for one in told] == ["webhook.created"]
    assert made.webhook.id.encode() in told[0].body
    assert b"very-secret" not in told[0].body
    assert (await office.events())[-1]["actor"] == {"kind": "key", "name": "cleanup"}


async def test_merge_patch(office: Office) -> None:
    """Given members change, null goes back to the default, everything else stays."""
    made = await office.made(
        timeout_s=5, headers={"X-Keep": "k1", "X-Drop": "d1"}, signature=SignatureSettings(also="github")
    )
    patch: dict[str, Any] = {
        "description": "Renamed",
        "timeoutSeconds": None,
        "headers": {"x-drop": None, "X-New": "n1"},
        "signature": {"ddEncoding": "off"},
        "retrySchedule": [1, 2],
    }
    changed = await office.rooms.update(ANA, made.webhook.id, patch, origin=ORIGIN)
    webhook = changed.webhook
    assert (webhook.description, webhook.timeout_s, webhook.retry_schedule_s) == ("Renamed", None, (1, 2))
    assert webhook.signature == SignatureSettings(dd_encoding="off", also="github")
    assert set(webhook.headers) == {"X-Keep", "X-New"}
    assert (webhook.version, webhook.event_types, changed.url_text) == (2, ("custom.*",), URL)
    assert await office.rooms.secrets("dd", webhook.id) == [made.secret_text]


async def test_header_set_in_another_case_replaces(office: Office) -> None:
    """Header names are one regardless of case, and the new value is what opens."""
    made = await office.made(headers={"x-key": "old"})
    after = (await office.rooms.update(ANA, made.webhook.id, {"headers": {"X-KEY": "new"}}, origin=ORIGIN)).webhook
    assert list(after.headers) == ["X-KEY"]
    sealed = after.headers["X-KEY"]
    assert office.world.keyring.open(sealed, aad_field("dd", after.id, "header:x-key")) == b"new"
    cleared = await office.rooms.update(ANA, made.webhook.id, {"headers": None}, origin=ORIGIN)
    assert cleared.webhook.headers == {}


async def test_headers_that_stay_count(office: Office) -> None:
    """Number and size are those of all headers together."""
    made = await office.made(headers={f"X-{n}": "v" * 4_000 for n in range(2)})
    with pytest.raises(Invalid) as caught:
        await office.rooms.update(ANA, made.webhook.id, {"headers": {"X-More": "v" * 4_000}}, origin=ORIGIN)
    assert [one.code for one in caught.value.faults] == ["header_bytes"]


async def test_replaced_url_keeps_id_and_secret(office: Office) -> None:
    """The next attempt goes to the new URL, signed as before."""
    made = await office.made()
    new = "https://elsewhere.example.com/in"
    office.world.sender.characters[new] = office.world.sender.characters[URL]
    changed = await office.rooms.update(ANA, made.webhook.id, {"receiverUrl": new}, origin=ORIGIN)
    await office.world.publish()
    await office.world.quiet()
    assert office.world.sender.requests[-1].url == new == changed.url_text
    assert await office.rooms.secrets("dd", made.webhook.id) == [made.secret_text]


async def test_version_check(office: Office) -> None:
    """A change based on an old version is a conflict that names the present one; the right one goes through."""
    made = await office.made()
    await office.rooms.update(ANA, made.webhook.id, {"description": "b"}, if_version=1, origin=ORIGIN)
    with pytest.raises(Conflict, match="now it is version 2 and enabled"):
        await office.rooms.update(ANA, made.webhook.id, {"description": "c"}, if_version=1, origin=ORIGIN)


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"description": None}, "/description"),
        ({"eventTypes": None}, "/eventTypes"),
        ({"secret": GIVEN}, "/secret"),
        ({"id": "whk_x"}, "/id"),
        ({"state": "paused"}, "/state"),
        ({"eventTypes": ["nope"]}, "/eventTypes/0"),
        ({"receiverUrl": "https://localhost/"}, "/receiverUrl"),
        ({"headers": {"Cookie": "a"}}, "/headers/Cookie"),
    ],
)
async def test_refused_patches(office: Office, patch: dict[str, Any], pointer: str) -> None:
    """A bad member is refused where it stands, and nothing changes."""
    made = await office.made()
    with pytest.raises(Invalid) as caught:
        await office.rooms.update(ANA, made.webhook.id, patch, origin=ORIGIN)
    assert [one.pointer for one in caught.value.faults] == [pointer]
    assert await office.rooms.get("dd", made.webhook.id) == made.webhook


async def test_narrowed_and_allowed(office: Office) -> None:
    """The site's own list refuses what the policy would take."""
    await office.rooms.update_site(ANA, {"allowedReceivers": ["*.Example.com"]}, origin=ORIGIN)
    await office.made()
    with pytest.raises(Invalid) as caught:
        await office.made(receiver_url="https://hooks.other.org/a")
    assert caught.value.faults[0].code == "url_not_in_site_list"


async def test_lists(office: Office) -> None:
    """Filters by state, type and words; deleted ones only when asked for."""
    chat = (await office.made(event_types=("chat.*",), description="Chats to Teams")).webhook
    custom = (await office.made()).webhook
    gone = (await office.made()).webhook
    await office.rooms.delete(ANA, gone.id, None, origin=ORIGIN)
    await office.rooms.pause(ANA, custom.id, None, origin=ORIGIN)

    async def ids(**which: Any) -> set[str]:
        return {one.id for one in await office.rooms.list("dd", **which)}

    assert await ids() == {chat.id, custom.id}
    assert await ids(state="deleted") == {gone.id}
    assert await ids(state="paused") == {custom.id}
    assert await ids(type="chat.missed") == {chat.id}
    assert await ids(text="TEAMS chats") == {chat.id}
    assert await ids(text="hooks.example") == {chat.id, custom.id}
    assert await ids(text="very-secret") == set()


async def test_same_url(office: Office) -> None:
    """The same receiver is found in any spelling, also when an older key of the keyring wrote it."""
    made = await office.made()
    assert [one.id for one in await office.rooms.same_url("dd", "HTTPS://Hooks.Example.com:443" + URL[25:])] == [
        made.webhook.id
    ]
    assert await office.rooms.same_url("dd", "https://hooks.example.com/other") == ()
    assert await office.rooms.same_url("dd", "nonsense") == ()


async def test_other_sites_are_apart(office: Office) -> None:
    """Another site's id is unknown, whatever is asked."""
    made = await office.made()
    other = await office.another_site()
    for call in (
        office.rooms.get(other.site, made.webhook.id),
        office.rooms.update(other, made.webhook.id, {}, origin=ORIGIN),
        office.rooms.pause(other, made.webhook.id, None, origin=ORIGIN),
        office.rooms.delete(other, made.webhook.id, None, origin=ORIGIN),
        office.rooms.reveal(other, made.webhook.id, origin=ORIGIN),
        office.rooms.rotate(other, made.webhook.id, None, origin=ORIGIN),
    ):
        with pytest.raises(NotFound):
            await call
    assert (await office.rooms.get("dd", made.webhook.id)).state is WebhookState.ENABLED
