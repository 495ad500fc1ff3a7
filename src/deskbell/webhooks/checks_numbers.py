"""The numbers of a webhook's settings and their ranges."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache

from deskbell.model.errors import FaultAt
from deskbell.rules.limits import Limits
from deskbell.webhooks.spec import POINTERS, WebhookSpec

RATE_MIN, RATE_MAX = 0.01, 10_000.0
"""Attempts per second: one in 100 s, up to more than any receiver takes."""

RETRY_WAIT_S_MAX = 604_800
BATCH_EVENTS_MAX, BATCH_WAIT_MS_MAX = 100, 300_000


@cache
def span(limit: str) -> tuple[float, float]:
    """From and to of one limit: a webhook's own value keeps to the range of the setting."""
    found = next(one for one in fields(Limits) if one.name == limit)
    return found.metadata["low"], found.metadata["high"]


def check_numbers(spec: WebhookSpec, limits: Limits) -> Iterator[FaultAt]:
    """A fault for every number outside its range."""
    given: tuple[tuple[str, float | None, tuple[float, float], str], ...] = (
        (POINTERS["rate_per_second"], spec.rate_per_second, (RATE_MIN, RATE_MAX), "attempts per second"),
        (POINTERS["timeout_s"], spec.timeout_s, span("attempt_timeout_s"), "seconds"),
        (POINTERS["payload_bytes_max"], spec.payload_bytes_max, span("payload_bytes_max"), "bytes"),
        (f"{POINTERS['batch']}/eventsMax", spec.batch.events_max, (1, BATCH_EVENTS_MAX), "events"),
        (f"{POINTERS['batch']}/waitMs", spec.batch.wait_ms, (0, BATCH_WAIT_MS_MAX), "milliseconds, which is 5 minutes"),
    )
    for pointer, value, (low, high), unit in given:
        if value is not None and not low <= value <= high:
            yield FaultAt(pointer=pointer, code="range", detail=f"Use {low:,g} to {high:,.10g} {unit}.")
    yield from _check_schedule(spec.retry_schedule_s or (), limits)


def _check_schedule(waits_s: tuple[int, ...], limits: Limits) -> Iterator[FaultAt]:
    pointer = POINTERS["retry_schedule_s"]
    if len(waits_s) > limits.retry_steps_max:
        detail = f"Use at most {limits.retry_steps_max} waits between attempts."
        yield FaultAt(pointer=pointer, code="range", detail=detail)
        return
    for place, wait_s in enumerate(waits_s):
        if not 1 <= wait_s <= RETRY_WAIT_S_MAX:
            detail = f"A wait has 1 to {RETRY_WAIT_S_MAX:,} seconds."
            yield FaultAt(pointer=f"{pointer}/{place}", code="range", detail=detail)
