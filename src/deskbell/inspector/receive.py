"""Receiving one request at a bin: choose the answer, capture, report, and ring."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deskbell.inspector.live_bins import LiveBin, LiveBins
from deskbell.inspector.reports import header, schema_report
from deskbell.inspector.signatures import Signatures
from deskbell.model.changes import Change, Insert, Refused, Replace, TrimCaptures, Unit
from deskbell.model.errors import Busy, DiskFull, StoreBroken
from deskbell.model.ids import SiteId, is_id, make_id
from deskbell.model.inspector import Capture, Step
from deskbell.model.instant import unix_ms
from deskbell.ports import Clock, Doorbell, Random, Store
from deskbell.rules.limits import Limits

_TRIES = 8
_ATTEMPT = re.compile(r"[0-9]{1,9}", re.ASCII)
NO_WEBHOOK = "Not checked: choose the webhook whose secret is to verify what comes in."
_SILENT = frozenset({"reset", "hang"})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the listener is to answer, and how badly."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay_ms: int = 0
    fault: str | None = None  # reset, hang, slow_drip
    seconds: float = 60.0  # how long a hang or drip holds at most
    bytes_per_second: int = 10  # of a slow drip
    capture_id: str = ""


class Receiving:
    """Captures requests. Counters live in memory; they are stored with the capture in one unit."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        limits: Limits,
        doorbell: Doorbell,
        bins: LiveBins,
        signatures: Signatures,
        changed: Callable[[SiteId, str, str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._doorbell = doorbell
        self._bins = bins
        self._signatures = signatures
        self._changed = changed

    async def receive(
        self,
        address: str,
        method: str,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        body_cut: bool,
        peer: str,
    ) -> Answer:
        """Capture one request and say what to answer. Raises NotFound, Throttled, Busy."""
        began_s = self._clock.monotonic()
        live = await self._bins.at(address)
        self._bins.must_allow(live)
        step = live.next_step()
        size_max = self._limits.capture_body_bytes
        capture = await self._captured(
            live, method, path, query, tuple(headers), body[:size_max], body_cut or len(body) > size_max, peer, step
        )
        duration_ms = round((self._clock.monotonic() - began_s) * 1000, 3)
        stored = await self._store_capture(live, replace(capture, duration_ms=duration_ms))
        self._doorbell.ring("capture", stored)
        self._changed(stored.site, "bin", stored.bin_id)
        return _answer(step, stored.id)

    async def _captured(
        self,
        live: LiveBin,
        method: str,
        path: str,
        query: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        body_cut: bool,
        peer: str,
        step: Step,
    ) -> Capture:
        now = self._clock.now()
        delivery_id = header(headers, "webhook-id")
        delivery_id = delivery_id if delivery_id and is_id(delivery_id, "dlv") else None
        attempt = header(headers, "deskbell-attempt")
        schema = schema_report(headers, body)
        finding = await self._signatures.check(live.row, delivery_id, headers, body, now)
        return Capture(
            site=live.row.site,
            bin_id=live.row.id,
            seq=0,  # given when it is stored
            id=make_id("cap", unix_ms=unix_ms(now), chance=self._random.bits(74)),
            at=now,
            method=method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            body_cut=body_cut,
            peer=peer,
            answered_status=None if step.fault in _SILENT else step.status,
            delivery_id=delivery_id,
            attempt=int(attempt) if attempt and _ATTEMPT.fullmatch(attempt) else None,
            signature=finding.name if finding else None,
            signature_text=finding.text if finding else NO_WEBHOOK,
            schema_faults=schema.faults,
            event_types=schema.event_types,
        )

    async def _store_capture(self, live: LiveBin, capture: Capture) -> Capture:
        """The capture with its place in the bin; one at a time per bin, so that the order is that of the numbers."""
        async with live.write:
            for _ in range(_TRIES):
                seq = live.row.seq + 1
                row = replace(live.row, seq=seq, answered=live.answered, version=live.row.version + 1)
                placed = replace(capture, seq=seq)
                changes: tuple[Change, ...] = (Insert(row=placed), Replace(row=row))
                if seq > self._limits.captures_per_bin:
                    keep = self._limits.captures_per_bin
                    changes += (TrimCaptures(site=row.site, bin_id=row.id, keep=keep),)
                verdict = await self._store.commit(Unit(changes=changes))
                if not isinstance(verdict, Refused):
                    live.stored(row)
                    return placed
                must_be_mended(verdict)
                await self._bins.refresh(live)
        raise Busy


def must_be_mended(refused: Refused) -> None:
    """Raise for a refusal that reading the row again does not mend. Raises Busy, DiskFull, StoreBroken."""
    if refused.reason == "busy":
        raise Busy
    if refused.reason == "disk_full":
        raise DiskFull
    if refused.reason == "broken":
        raise StoreBroken


def _answer(step: Step, capture_id: str) -> Answer:
    return Answer(
        status=step.status,
        headers=step.headers,
        body=step.body.encode(),
        delay_ms=step.delay_ms,
        fault=step.fault,
        seconds=60.0 if step.seconds is None else step.seconds,
        bytes_per_second=step.bytes_per_second or 10,
        capture_id=capture_id,
    )
