"""The SDK's verify and sign, in both directions with a library that is not ours."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook as Library

from deskbell.rules.signing import new_secret
from deskbell.sdk import SeenIds, SignatureRefused, sign, verify

SECRET = new_secret(b"s" * 32)
BODY = '[{"name":"Zoë 🦊"}]'.encode()


def test_what_we_sign_the_library_verifies() -> None:
    """The other library takes our signature and gives the payload."""
    assert Library(SECRET).verify(BODY, sign(BODY, SECRET)) == json.loads(BODY)


def test_what_the_library_signs_we_verify() -> None:
    """We take the other library's signature, by a mapping or by pairs."""
    now = datetime.now(UTC)
    signature = Library(SECRET).sign("msg_1", now, BODY.decode())
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": signature,
    }
    verify(BODY, headers, SECRET)
    verify(BODY, headers.items(), [new_secret(b"n" * 32), SECRET])


def test_refusal_carries_the_finding() -> None:
    """The exception tells people in words and programs by name."""
    with pytest.raises(SignatureRefused, match="not made with any") as raised:
        verify(BODY + b" ", sign(BODY, SECRET), SECRET)
    assert raised.value.finding.name == "no_match"


def test_time_is_the_callers_to_choose() -> None:
    """`now` and `tolerance_s` decide, not the clock of the machine."""
    headers = sign(BODY, SECRET, now=1000)
    verify(BODY, headers, SECRET, now=1300)
    verify(BODY, headers, SECRET, now=2000, tolerance_s=1000)
    with pytest.raises(SignatureRefused):
        verify(BODY, headers, SECRET, now=1301)


def test_seen_ids_forget_the_oldest() -> None:
    """The memory is bounded: the oldest id goes first."""
    seen = SeenIds(ids_max=2)
    assert [seen.add(one) for one in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]


def test_a_refused_request_does_not_use_up_its_id() -> None:
    """Only a genuine request is remembered."""
    seen = SeenIds()
    headers = sign(BODY, SECRET, message_id="dlv_7")
    with pytest.raises(SignatureRefused):
        verify(b"forged", headers, SECRET, seen=seen)
    verify(BODY, headers, SECRET, seen=seen)


def test_the_sdk_needs_the_standard_library_alone() -> None:
    """Importing it brings no package from outside."""
    script = (
        "import sys; import deskbell.sdk; "
        "print([n for n in ('msgspec', 'jsonschema_rs', 'cryptography', 'structlog', 'starlette') if n in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
