"""The history check finds each kind of broken promise, else the tests that end with it prove nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from faults.history import Hook, compare
from faults.load import Told
from receiver import Received, Receiver

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def told(*verdicts: str, subject: str | None = None) -> dict[str, Told]:
    """What a publisher logged, one event per verdict."""
    found = {}
    for n, verdict in enumerate(verdicts):
        one = Told(own=f"own-{n}", n=n, type="custom.load", subject=subject, verdict=verdict, event_id=f"evt_{n}")
        found[one.own] = one
    return found


def seen(n: int, *, name: str = "", at: float = 0.0, status: int = 200, key: bytes = KEY, more: str = "") -> Received:
    """A request that carries event `n`."""
    body = json.dumps([{"data": {"own": f"own-{n}"}, "more": more}]).encode()
    name = name or f"dlv_{n}"
    signature = base64.b64encode(hmac.new(key, f"{name}.5.".encode() + body, hashlib.sha256).digest()).decode()
    headers = [("webhook-id", name), ("webhook-timestamp", "5"), ("webhook-signature", f"v1,{signature}")]
    return Received(method="POST", target="/hook", headers=headers, body=body, at=at or float(n), status=status)


def delivery(n: int, state: str = "delivered") -> dict[str, Any]:
    """A delivery as it is listed."""
    ended = None if state == "waiting" else "2026-01-01T00:00:00Z"
    return {"id": f"dlv_{n}", "webhookId": "whk_1", "eventIds": [f"evt_{n}"], "state": state, "endedAt": ended}


def faults(
    log: dict[str, Told], requests: Iterable[Received], deliveries: Iterable[dict[str, Any]] = (), **more: Any
) -> dict[str, list[Any]]:
    """What is found wrong."""
    receiver = Receiver(received=list(requests))
    hook = Hook(id="whk_1", target="/hook", types=("custom.*",), secret=SECRET, receiver=receiver, **more)
    return compare(log, [hook], deliveries).faults


def test_all_well() -> None:
    """Arrived, repeated with the same bytes after a refusal, unknown and there, refused and not there."""
    log = told("ok", "ok", "unknown", "unknown", "failed")
    assert faults(log, [seen(0, status=500), seen(0), seen(1), seen(2)], [delivery(0), delivery(1)]) == {}


def test_what_was_answered_and_never_came_is_lost() -> None:
    """Not when a person sees that it ended; a state that claims its arrival is no excuse."""
    assert faults(told("ok"), []) == {"lost": [("/hook", "own-0")]}
    assert faults(told("ok"), [], [delivery(0)]) == {"lost": [("/hook", "own-0")]}
    assert faults(told("ok"), [], [delivery(0, "exhausted")]) == {}


def test_what_was_refused_and_came_is_unexpected() -> None:
    """A 503 says that nothing was stored; and nobody sends what nobody published."""
    assert faults(told("failed"), [seen(0)]) == {"unexpected": [("/hook", "own-0")]}
    assert faults(told(), [seen(0)]) == {"unexpected": [("/hook", "own-0")]}


def test_what_waits_has_not_ended() -> None:
    """All must be quiet before the check."""
    assert faults(told("ok"), [seen(0)], [delivery(0, "waiting")]) == {"open": ["dlv_0"]}


def test_other_bytes_and_wrong_signatures_are_found() -> None:
    """A repetition has the same body; each request is signed with the webhook's secret."""
    assert faults(told("ok"), [seen(0), seen(0, more="!")]) == {"altered": ["dlv_0"]}
    assert faults(told("ok"), [seen(0, key=b"other")]) == {"unsigned": ["dlv_0"]}


def test_one_event_in_two_deliveries_is_found() -> None:
    """A receiver could not tell that it is the same."""
    assert faults(told("ok"), [seen(0), seen(0, name="dlv_9")]) == {"twice": [("/hook", "own-0")]}


def test_order_of_a_subject_is_looked_at_where_it_was_asked_for() -> None:
    """The first arrival of each event counts."""
    log = told("ok", "ok", subject="s")
    late = [seen(1, at=1.0), seen(0, at=2.0)]
    assert faults(log, late) == {}
    assert faults(log, late, ordered=True) == {"disordered": [("/hook", "s")]}
    assert faults(log, [seen(0, at=1.0), seen(1, at=2.0), seen(0, at=3.0)], ordered=True) == {}


def test_duplicates_are_requests_after_one_that_was_taken() -> None:
    """A retry after a refusal is none."""
    requests = [seen(0, at=1, status=500), seen(0, at=2), seen(0, at=3), seen(0, at=4, status=0)]
    hook = Hook(id="w", target="/hook", types=("*",), secret=SECRET, receiver=Receiver(received=requests))
    assert compare(told("ok"), [hook], []).duplicates == 2
