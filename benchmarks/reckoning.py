"""What a run came to: reconciled events, percentiles, rates."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import publisher
from scene import Arrival

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Report = dict[str, Any]


def calibrate() -> float:
    """A loop of fixed work, ms: how fast the machine is just now."""
    started = time.perf_counter()
    total = 0
    for n in range(2_000_000):
        total += n & 7
    return round((time.perf_counter() - started) * 1000, 1)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, rounded to 0.01."""
    ordered = sorted(values) or [0.0]
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) for name, share in SHARES.items()}


def reconcile(load: publisher.Load, arrivals: Sequence[Arrival], paths: Sequence[str]) -> Report:
    """Acknowledged against arrived: each event once at each of these paths, one delivery always with the same bytes."""
    acknowledged = {event_id for *_, ids in load.requests for event_id in ids}
    meant = set(paths)
    arrived = Counter((path, one) for path, *_, ids in arrivals if path in meant for one in ids if one in acknowledged)
    bodies = {(webhook_id, digest) for _, webhook_id, _, digest, _ in arrivals}
    expected = len(acknowledged) * len(meant)
    return {
        "acknowledged": len(acknowledged),
        "expected": expected,
        "lost": expected - len(arrived),
        "duplicates": sum(arrived.values()) - len(arrived),
        "bodies_changed": len(bodies) - len({webhook_id for webhook_id, _ in bodies}),
        "refused": sum(not ids for *_, ids in load.requests),
    }


def arrival_ms(load: publisher.Load, arrivals: Sequence[Arrival], paths: Sequence[str]) -> list[float]:
    """For each event and path the time from when its publishing was due to its first arrival."""
    due_at = {event_id: due for due, _, _, ids in load.requests for event_id in ids}
    firsts: dict[tuple[str, str], float] = {}
    meant = set(paths)
    for path, _, at, _, ids in arrivals:
        if path in meant:
            for one in ids:
                firsts.setdefault((path, one), at)
    return [(at - due_at[one]) * 1000 for (_, one), at in firsts.items() if one in due_at]


def rate(load: publisher.Load, arrivals: Sequence[Arrival]) -> float:
    """Events that arrived per second, from the first publish to the last arrival."""
    ends = [at for _, _, at, _, _ in arrivals]
    lasted_s = max(ends, default=load.ended) - load.started
    return sum(len(ids) for *_, ids in arrivals) / max(lasted_s, 0.001)
