"""An attempt to its row and back: what lists need in columns, the rest packed as MessagePack."""

from dataclasses import replace
from typing import Any

import msgspec

from deskbell.model.delivery import Attempt, Decision, DecisionKind, Trigger
from deskbell.model.exchange import Outcome, OutcomeClass, Timing
from deskbell.storage.packing import packed, unpacked

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def attempt_row(row: Attempt, *, has_time: bool = True) -> tuple[Any, ...]:
    """Bindings of `attempt_insert`."""
    outcome, decision, timing = row.outcome, row.decision, row.timing
    rest = (
        outcome.text, outcome.wait_s, decision.kind, decision.at, timing.queued_ms, timing.resolve_ms,
        timing.connect_ms, timing.tls_ms, timing.first_byte_ms, timing.total_ms, row.by, row.address, row.url_masked,
        row.request_headers, row.response_headers, row.response_body, row.response_truncated, row.secret_fingerprint,
    )  # fmt: skip
    return (
        row.site, row.id, row.delivery_id, row.webhook_id, row.number, row.trigger, row.started_at, outcome.kind,
        outcome.name, outcome.status, packed(_pack(rest), has_time=has_time),
    )  # fmt: skip


def blanked(row: Attempt) -> bytes:
    """What is left of an attempt's packed members when its content is erased: times, names and who asked."""
    bare = replace(
        row,
        outcome=replace(row.outcome, text=""),
        request_headers=(),
        response_headers=(),
        response_body=b"",
        response_truncated=False,
    )
    rest: bytes = attempt_row(bare)[-1]
    return rest


def attempt_of(row: Any) -> Attempt:
    """The attempt of a row of `attempt_get` and its kin."""
    (site, key, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest) = row
    (text, wait_s, decision, at, queued_ms, resolve_ms, connect_ms, tls_ms, first_byte_ms, total_ms, by, address,
     url_masked, request_headers, response_headers, body, truncated, fingerprint) = _unpack(unpacked(rest))  # fmt: skip
    return Attempt(
        site=site,
        id=key,
        delivery_id=delivery_id,
        webhook_id=webhook_id,
        number=number,
        trigger=Trigger(trigger),
        started_at=started_at,
        outcome=Outcome(kind=OutcomeClass(outcome_class), name=outcome, status=status, text=text, wait_s=wait_s),
        decision=Decision(kind=DecisionKind(decision), at=at),
        timing=Timing(
            queued_ms=queued_ms,
            resolve_ms=resolve_ms,
            connect_ms=connect_ms,
            tls_ms=tls_ms,
            first_byte_ms=first_byte_ms,
            total_ms=total_ms,
        ),
        by=by,
        address=address,
        url_masked=url_masked,
        request_headers=tuple((name, value) for name, value in request_headers),
        response_headers=tuple((name, value) for name, value in response_headers),
        response_body=body,
        response_truncated=truncated,
        secret_fingerprint=fingerprint,
    )
