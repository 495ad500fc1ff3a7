"""Every bad input of the area `signature_verify`, and the rules behind them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.rules.signing import sign_v1
from deskbell.rules.verifying import Finding, verify_signature
from deskbell.sdk import SeenIds, SignatureRefused, verify

CASES = Path(__file__).parents[1] / "cases" / "badinputs.jsonl"
ROWS = [row for row in map(json.loads, CASES.read_text().splitlines()) if row["area"] == "signature_verify"]
CURRENT = "whsec_" + base64.b64encode(b"n" * 32).decode()
PREVIOUS = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = 1_700_000_000
BODY = b'[{"id": "x", "n": 1.50}]'


def request_of(row: dict[str, Any]) -> tuple[list[tuple[str, str]], bytes, list[str], float]:
    """Headers, body, secrets and time of a row; what it does not name is genuine."""
    given_ = row["input"]
    message_id = given_.get("id", "dlv_1")
    ts_text = given_.get("ts", str(NOW))
    if ts_text.startswith("now"):
        ts_text = str(NOW + int(ts_text.removeprefix("now")))
    ts = int(ts_text) if ts_text.isascii() and ts_text.isdigit() else NOW
    good = sign_v1(CURRENT, message_id, ts, BODY).removeprefix("v1,")
    old = sign_v1(PREVIOUS, message_id, ts, BODY).removeprefix("v1,")
    signature = given_.get("sig", "v1,<good>").replace("<good-old-secret>", old).replace("<good>", good)
    signature = signature.replace("<hmac>", good).replace("<junk>", "anVuaw==")
    if "sig_count" in given_:
        signature = " ".join(["v1,anVuaw=="] * (given_["sig_count"] - 1) + [signature])
    headers = [("webhook-id", message_id), ("webhook-timestamp", ts_text), ("webhook-signature", signature)]
    headers = [(name, value) for name, value in headers if name != given_.get("missing")]
    if "headers" in given_:
        headers = [(name.upper(), value) for name, value in headers]
    if "duplicate_header" in given_:
        headers.append(headers[2])
    return headers, body_of(given_), secrets_of(given_), NOW


def body_of(given_: dict[str, Any]) -> bytes:
    """The body as it arrives."""
    changed = given_.get("body", "")
    if "line break" in changed:
        return BODY + b"\n"
    return json.dumps(json.loads(BODY), separators=(",", ":")).encode() if "re-serialised" in changed else BODY


def secrets_of(given_: dict[str, Any]) -> list[str]:
    """The secrets that are live at the receiver."""
    if "secret" in given_:
        return [given_["secret"]]
    if "secret_bytes" in given_:
        return ["whsec_" + base64.b64encode(b"n" * given_["secret_bytes"]).decode()]
    return [CURRENT] if given_.get("after_h", 0) > 24 else [CURRENT, PREVIOUS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_row(row: dict[str, Any]) -> None:
    """Each row gets what it must get."""
    headers, body, secrets, now_s = request_of(row)
    if row["expect"] == "accept_once":
        seen = SeenIds()
        verify(body, headers, secrets, now=now_s, seen=seen)
        with pytest.raises(SignatureRefused) as raised:
            verify(body, headers, secrets, now=now_s, seen=seen)
        assert raised.value.finding.name == "seen"
    else:
        assert verify_signature(headers, body, secrets, now_s).valid is (row["expect"] == "accept")


def test_all_rows_are_here() -> None:
    """The file of cases was read."""
    assert len(ROWS) >= 26


def judged(**changes: str) -> Finding:
    """The finding for a genuine request with some headers changed."""
    headers = {
        "webhook-id": "dlv_1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": sign_v1(CURRENT, "dlv_1", NOW, BODY),
    }
    headers |= {f"webhook-{name}": value for name, value in changes.items()}
    return verify_signature(headers, BODY, [CURRENT], NOW)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "valid"),
        ({"id": "dlv_2"}, "no_match"),
        ({"id": ""}, "id_form"),
        ({"id": "\ud800"}, "id_form"),
        ({"timestamp": ""}, "timestamp_form"),
        ({"timestamp": "1" * 13}, "timestamp_form"),
        ({"timestamp": f"{NOW}\n"}, "timestamp_form"),
        ({"signature": ""}, "signature_form"),
        ({"signature": "v1,\ud800ä"}, "no_match"),
        ({"signature": " ".join(["v2,x"] * 10)}, "signature_form"),
        ({"signature": " " * 100_000}, "signature_many"),
    ],
)
def test_findings_are_named(changes: dict[str, str], name: str) -> None:
    """Each fault has its own stable word."""
    assert judged(**changes).name == name


def test_ten_entries_are_taken_and_eleven_are_not() -> None:
    """The tenth entry still counts."""
    good = sign_v1(CURRENT, "dlv_1", NOW, BODY)
    assert judged(signature=" ".join(["v9,x"] * 9 + [good])).valid
    assert judged(signature=" ".join(["v9,x"] * 10 + [good])).name == "signature_many"


def test_no_secret_is_a_refusal() -> None:
    """Without a secret nothing is genuine."""
    assert verify_signature({}, b"", [], NOW).name == "secret_missing"


def test_a_rotation_signs_twice_and_either_secret_verifies() -> None:
    """During an overlap a receiver with the old or the new secret accepts."""
    both = f"{sign_v1(CURRENT, 'dlv_1', NOW, BODY)} {sign_v1(PREVIOUS, 'dlv_1', NOW, BODY)}"
    headers = {"webhook-id": "dlv_1", "webhook-timestamp": str(NOW), "webhook-signature": both}
    for secrets in ([CURRENT], [PREVIOUS], [PREVIOUS, CURRENT]):
        found = verify_signature(headers, BODY, secrets, NOW)
        assert (found.valid, found.secret_index) == (True, 0)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.text(), st.text(), st.text(), st.binary())
def test_nothing_raises(more: list[tuple[str, str]], one: str, two: str, three: str, body: bytes) -> None:
    """Whatever the headers hold, the answer is a finding that is not valid."""
    headers = [*more, ("Webhook-Id", one), ("WEBHOOK-TIMESTAMP", two), ("webhook-signature", f"v1,{three}")]
    assert not verify_signature(headers, body, [CURRENT], NOW).valid
