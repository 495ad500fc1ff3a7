"""Every row of the outcome table, fed from the kind's own replies."""

import json
from importlib.resources import files

import pytest

from deskbell.model.exchange import OutcomeClass, Reply, Stage
from deskbell.model.instant import from_seconds
from deskbell.rules.classify import classify_http, internal, refused
from deskbell.rules.limits import Limits

NOW = from_seconds(1_600_000_000)
LIMITS = Limits()
ROWS = json.loads(files("deskbell.receivers.generic").joinpath("replies.json").read_text())


def reply_of(told):
    """The Reply that a row of replies.json tells."""
    return Reply(
        stage=Stage(told.get("stage", "read")),
        status=told.get("status"),
        headers=tuple(told.get("headers", {}).items()),
        fault=told.get("fault"),
        rule=told.get("rule"),
    )


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_row(row):
    """A row's reply has the class, name and wait that the row tells."""
    outcome = classify_http(reply_of(row["reply"]), NOW, LIMITS)
    want = row["outcome"]
    assert (outcome.kind, outcome.name, outcome.wait_s) == (want["kind"], want["name"], want.get("wait_s"))


def test_rows_cover_every_transport_fault():
    """replies.json knows every name of a transport outcome."""
    names = {row["reply"].get("fault") for row in ROWS}
    assert {
        "dns_nxdomain", "dns_no_address", "dns_error", "dns_timeout", "blocked", "connect_timeout",
        "connection_refused", "connection_reset", "connection_closed", "tls_expired", "tls_untrusted",
        "tls_wrong_host", "tls_error", "timeout", "protocol_error",
    } <= names  # fmt: skip


@pytest.mark.parametrize("status", range(100, 600, 7))
def test_only_2xx_succeeds(status):
    """Whatever the status, it is a success exactly when it is a 2xx."""
    outcome = classify_http(Reply(stage=Stage.READ, status=status), NOW, LIMITS)
    assert (outcome.kind is OutcomeClass.DELIVERED) is (200 <= status < 300)
    assert outcome.status == status


def test_note_after_the_status_is_no_failure():
    """A body that broke off after a 2xx is a delivery with a note."""
    reply = Reply(stage=Stage.READ, status=200, truncated=True, notes=("the body broke off",))
    outcome = classify_http(reply, NOW, LIMITS)
    assert (outcome.kind, outcome.text) == (OutcomeClass.DELIVERED, "the body broke off")


def test_redirect_names_its_target_masked():
    """The log says where the receiver moved to, without the path that may be a credential."""
    headers = (("location", "https://new.example.com/hooks/very-long-secret-path/abcd1234"),)
    outcome = classify_http(Reply(stage=Stage.READ, status=308, headers=headers), NOW, LIMITS)
    assert outcome.text.startswith("https://new.example.com")
    assert "very-long-secret-path" not in outcome.text


@pytest.mark.parametrize("location", ["/elsewhere", "", "http://[bad", "javascript://x", "ftp://a/b"])
def test_redirect_with_a_bad_target(location):
    """A Location that is no full URL is described, never raised."""
    reply = Reply(stage=Stage.READ, status=302, headers=(("location", location),))
    assert classify_http(reply, NOW, LIMITS).name == "redirect"


def test_retry_after_as_a_date():
    """An IMF-fixdate is read against the present time."""
    reply = Reply(stage=Stage.READ, status=503, headers=(("retry-after", "Sun, 13 Sep 2020 12:27:40 GMT"),))
    outcome = classify_http(reply, NOW, LIMITS)
    assert (outcome.kind, outcome.wait_s) == (OutcomeClass.THROTTLED, 60)


def test_two_retry_after_headers_are_ignored():
    """Two different wishes are none."""
    reply = Reply(stage=Stage.READ, status=503, headers=(("retry-after", "5"), ("retry-after", "9")))
    assert classify_http(reply, NOW, LIMITS).kind is OutcomeClass.FAILED


def test_blocked_names_the_rule_only():
    """A refused address stays out of the outcome: the rule's name is what everybody may see."""
    reply = Reply(stage=Stage.VET, fault="blocked", rule="private", text="10.0.0.5 is private")
    assert classify_http(reply, NOW, LIMITS).text == "private"


def test_own_outcomes():
    """Faults of ours and requests that must not be sent have classes of their own."""
    assert internal("internal", "x").kind is OutcomeClass.INTERNAL
    assert refused("too_large", "x").kind is OutcomeClass.REFUSED
