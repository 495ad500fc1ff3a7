"""Every fault of a webhook's settings, all at once, where the API names it."""

from typing import Any

import pytest

from bad_inputs import row_id, rows, spelled
from deskbell.model.errors import Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Batch, SignatureSettings
from deskbell.receivers import KINDS
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from deskbell.webhooks import read_spec
from deskbell.webhooks.checks import check_spec
from deskbell.webhooks.spec import patch
from webhooks.office import spec

SITE = Site(site=SiteId("dd"), name="DD", created_at=Instant(0))
POLICY = UrlPolicy(base_url="https://hooks.our-own-portal.example", listen=(("127.0.0.1", 8080),))


def faults(**members: Any) -> dict[str, str]:
    """Pointer to code."""
    return {one.pointer: one.code for one in check_spec(spec(**members), SITE, POLICY, Limits(), KINDS)}


@pytest.mark.parametrize(
    ("members", "pointer", "code"),
    [
        ({"description": ""}, "/description", "text_blank"),
        ({"description": "a\nb"}, "/description", "text_control"),
        ({"receiver_url": "http://hooks.example.com/"}, "/receiverUrl", "url_scheme"),
        ({"receiver_url": "hooks.example.com"}, "/receiverUrl", "url_form"),
        ({"event_types": ()}, "/eventTypes", "event_type_count"),
        ({"event_types": ("chat.created",) * 101}, "/eventTypes", "event_type_count"),
        ({"event_types": ("chat.created", "chat")}, "/eventTypes/1", "event_type_form"),
        ({"event_types": ("chat.craeted",)}, "/eventTypes/0", "event_type_unknown"),
        ({"event_types": ("chats.*",)}, "/eventTypes/0", "event_type_unknown"),
        ({"kind": "slack"}, "/kind", "not_available"),
        ({"settings": {"channel": "a"}}, "/settings/channel", "setting_unknown"),
        ({"preset": "zapier"}, "/preset", "not_available"),
        ({"format": "xml"}, "/format", "choice"),
        ({"headers": {"Host": "x"}}, "/headers/Host", "header_reserved"),
        ({"headers": {"X_Y": "x"}}, "/headers/X_Y", "header_name"),
        ({"headers": {"X-Y": " x"}}, "/headers/X-Y", "header_value"),
        ({"signature": SignatureSettings(dd_encoding="rot13")}, "/signature/ddEncoding", "choice"),
        ({"signature": SignatureSettings(also="x")}, "/signature/also", "choice"),
        ({"signature": SignatureSettings(ed25519=True)}, "/signature/ed25519", "not_available"),
        ({"batch": Batch(events_max=2), "format": "standard"}, "/batch/eventsMax", "format_of_one"),
        ({"batch": Batch(events_max=0)}, "/batch/eventsMax", "range"),
        ({"batch": Batch(events_max=101)}, "/batch/eventsMax", "range"),
        ({"batch": Batch(wait_ms=5)}, "/batch/waitMs", "batch_of_one"),
        ({"batch": Batch(events_max=2, wait_ms=300_001)}, "/batch/waitMs", "range"),
        ({"ordered_by": "x"}, "/orderedBy", "choice"),
        ({"on_exhausted": "hold"}, "/onExhausted", "not_ordered"),
        ({"on_exhausted": "x"}, "/onExhausted", "choice"),
        ({"rate_per_second": 0}, "/ratePerSecond", "range"),
        ({"rate_per_second": 1e9}, "/ratePerSecond", "range"),
        ({"retry_schedule_s": (1,) * 41}, "/retrySchedule", "range"),
        ({"retry_schedule_s": (1, 0)}, "/retrySchedule/1", "range"),
        ({"retry_schedule_s": (604_801,)}, "/retrySchedule/0", "range"),
        ({"timeout_s": 0.5}, "/timeoutSeconds", "range"),
        ({"timeout_s": 61}, "/timeoutSeconds", "range"),
        ({"payload_bytes_max": 65_535}, "/payloadBytesMax", "range"),
        ({"payload_bytes_max": 8_388_609}, "/payloadBytesMax", "range"),
        ({"secret": "whsec_c2hvcnQ="}, "/secret", "secret_form"),
    ],
)
def test_one_fault_each(members: dict[str, Any], pointer: str, code: str) -> None:
    """A bad member is named by its pointer and a stable code, and it alone."""
    found = faults(**members)
    assert found.get(pointer) == code
    assert set(found) == {pointer}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"event_types": ("*",)},
        {"event_types": ("chat.*", "ticket.updated", "custom.order", "approval.*", "webhook.*")},
        {"format": "standard"},
        {"format": "cloudevents"},
        {"format": "cloudevents", "batch": Batch(events_max=100, wait_ms=300_000)},
        {"batch": Batch(events_max=2)},
        {"ordered_by": "subject", "batch": Batch(events_max=2)},
        {"ordered_by": "subject", "on_exhausted": "hold"},
        {"headers": {"X-Key": "a b", "Authorization": "Bearer x"}},
        {"retry_schedule_s": ()},
        {"retry_schedule_s": (1, 604_800)},
        {"timeout_s": 60, "rate_per_second": 0.5, "payload_bytes_max": 65_536},
        {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        {"signature": SignatureSettings(dd_encoding="off", also="stripe")},
    ],
)
def test_good_settings(members: dict[str, Any]) -> None:
    """What the contract allows has no fault."""
    assert faults(**members) == {}


def test_all_faults_at_once() -> None:
    """Nobody has to mend a form twice."""
    found = faults(description=" ", receiver_url="ftp://x.example/", event_types=("A",), headers={"Host": "h"})
    assert set(found) == {"/description", "/receiverUrl", "/eventTypes/0", "/headers/Host"}


def test_nearest_names_and_repaired_url_are_offered() -> None:
    """A refusal says what was probably meant, and which setting would allow it."""
    bad = spec(event_types=("ticket.updatd",), receiver_url=" https://hooks.example.com/a")
    texts = " ".join(one.detail for one in check_spec(bad, SITE, POLICY, Limits(), KINDS))
    assert "ticket.updated" in texts
    assert "Did you mean https://hooks.example.com/a" in texts
    private = check_spec(spec(receiver_url="https://10.0.0.5/a"), SITE, POLICY, Limits(), KINDS)
    assert "DESKBELL_ALLOW=10.0.0.5:443" in private[0].detail


@pytest.mark.parametrize("row", rows("event_type"), ids=row_id)
def test_cases_of_event_types(row: dict[str, Any]) -> None:
    """The grammar of choices holds for every case."""
    text = spelled(row["input"])
    if isinstance(text, dict):
        text = [f"custom.t{number}" for number in range(text["list_of"])]
    given = text if isinstance(text, list) else [text]
    found = check_spec(spec(event_types=tuple(given)), SITE, POLICY, Limits(), KINDS)
    codes = {one.code for one in found} - {"event_type_unknown"}
    assert bool(codes) == (row["expect"] == "reject")


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({}, {"/description", "/receiverUrl", "/eventTypes"}),
        ({"description": 5, "receiverUrl": "u", "eventTypes": "chat.*"}, {"/description", "/eventTypes"}),
        ({"description": "d", "receiverUrl": None, "eventTypes": ["*"]}, {"/receiverUrl"}),
        ({"description": "d", "receiverUrl": "u", "eventTypes": ["*"], "colour": 1}, {"/colour"}),
        ({"description": "d", "receiverUrl": "u", "eventTypes": ["*"], "secret": 1}, {"/secret"}),
        (
            {
                "description": "d", "receiverUrl": "u", "eventTypes": ["*"], "batch": {"size": 1}, "signature": [],
                "timeoutSeconds": True, "retrySchedule": [1.5], "ratePerSecond": "1", "loopProtection": 1,
                "headers": {"X": 1},
            },
            {
                "/batch/size", "/signature", "/timeoutSeconds", "/retrySchedule", "/ratePerSecond", "/loopProtection",
                "/headers/X",
            },
        ),
    ],
)  # fmt: skip
def test_members_of_the_wrong_form(members: dict[str, Any], pointers: set[str]) -> None:
    """JSON of any shape is refused with a fault per member, never with an error of ours."""
    with pytest.raises(Invalid) as caught:
        read_spec(members)
    assert {one.pointer for one in caught.value.faults} == pointers


def test_pointers_are_escaped() -> None:
    """A name with a slash or a tilde is one step of its JSON pointer."""
    found = patch(spec(), {"a/b~c": 1, "headers": {"X/Y": 5}, "signature": {"q/r": 1}}).faults
    assert [one.pointer for one in found] == ["/a~1b~0c", "/headers/X~1Y", "/signature/q~1r"]


def test_members_become_settings() -> None:
    """Names of the API become the settings; what is not given has its default."""
    found = read_spec(
        {
            "description": "d",
            "receiverUrl": "https://a.example/",
            "eventTypes": ["chat.*"],
            "retrySchedule": [5],
            "signature": {"also": "github"},
            "headers": {"X-A": "1"},
            "secret": "s",
        }
    )
    assert (found.event_types, found.retry_schedule_s, found.secret) == (("chat.*",), (5,), "s")
    assert found.signature == SignatureSettings(also="github")
    assert dict(found.headers) == {"X-A": "1"}
