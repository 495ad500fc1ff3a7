"""Values to rows and back, for the hot tables whose members have columns of their own."""

from typing import Any

import msgspec

from deskbell.model.changes import Join
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Event, Idempotency, Subject, TraceEntry
from deskbell.model.people import Actor, ActorKind
from deskbell.model.webhook import StatHour
from deskbell.storage.packing import packed, summed, unpacked, unsummed

Bindings = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode
_trace_of = msgspec.json.Decoder(tuple[tuple[str, str, str | None], ...]).decode
_buckets_of = msgspec.json.Decoder(tuple[int, ...]).decode


def event_row(event: Event, *, has_time: bool = True) -> Bindings:
    """Bindings of `event_insert`."""
    subject, by = event.subject, event.by
    kind, key, title = (None, None, None) if subject is None else (subject.type, subject.id, subject.title)
    snapshot = packed(event.snapshot, has_time=has_time)
    if snapshot:  # an erased one is empty
        snapshot = summed(snapshot, event.site, event.id, event.type, int(event.occurred_at))
    trace = _encode([(one.webhook_id, one.reason, one.delivery_id) for one in event.trace]).decode()
    return (
        event.site, event.id, event.type, kind, key, title, event.external_id, event.sequence, event.occurred_at,
        event.received_at, by.kind, by.name, by.id, event.hop, event.test, trace, snapshot,
    )  # fmt: skip


def event_of(row: Any) -> Event:
    """The event of a row of `event_get` and its kin."""
    (site, key, type_, subject_type, subject_id, title, external_id, sequence, occurred_at, received_at, by_kind,
     by_name, by_id, hop, test, trace, snapshot) = row  # fmt: skip
    return Event(
        site=site,
        id=key,
        type=type_,
        snapshot=unpacked(unsummed(snapshot, site, key, type_, occurred_at)),
        occurred_at=occurred_at,
        received_at=received_at,
        by=Actor(kind=ActorKind(by_kind), name=by_name, id=by_id),
        external_id=external_id,
        subject=None if subject_id is None else Subject(type=subject_type, id=subject_id, title=title),
        sequence=sequence,
        hop=hop,
        test=bool(test),
        trace=tuple(
            TraceEntry(webhook_id=one, reason=reason, delivery_id=delivery)  # type: ignore[arg-type]  # stored ids
            for one, reason, delivery in _trace_of(trace)
        ),
    )


def delivery_row(row: Delivery) -> Bindings:
    """Bindings of `delivery_insert`."""
    subject = row.subject
    kind, key, title = (None, None, None) if subject is None else (subject.type, subject.id, subject.title)
    return (
        row.site, row.id, row.webhook_id, row.webhook_version, row.shard, row.state, row.due_at, row.created_at,
        " ".join(row.event_ids), " ".join(row.event_types), kind, key, title, row.hop, row.attempts, row.step,
        row.internal_faults, row.last_outcome, row.last_status, row.ended_at, row.payload_bytes, row.replay_id,
        row.copy_of, row.test, _payload_row(row),
    )  # fmt: skip


def _payload_row(row: Delivery) -> bytes | None:
    return None if row.payload is None else summed(row.payload, row.site, row.id)


def settle_row(after: Delivery, expected: DeliveryState) -> Bindings:
    """Bindings of `delivery_settle`."""
    return (
        after.state, after.due_at, after.attempts, after.step, after.internal_faults, after.last_outcome,
        after.last_status, after.ended_at, after.payload_bytes, _payload_row(after), after.site, after.id, expected,
    )  # fmt: skip


def move_row(after: Delivery, expected: DeliveryState) -> Bindings:
    """Bindings of `delivery_move`."""
    return (
        after.state, after.due_at, after.attempts, after.step, after.internal_faults, after.last_outcome,
        after.last_status, after.ended_at, after.payload_bytes, _payload_row(after), after.webhook_version,
        after.replay_id, after.site, after.id, expected, after.attempts, " ".join(after.event_ids),
    )  # fmt: skip


def join_row(change: Join) -> Bindings:
    """Bindings of `delivery_join`."""
    kind, key = (None, None) if change.subject is None else (change.subject.type, change.subject.id)
    return (
        " ".join(change.event_ids), " ".join(change.event_types), change.hop, change.due_at, kind, key, change.site,
        change.delivery_id,
    )  # fmt: skip


def delivery_of(row: Any) -> Delivery:
    """The delivery of a row of `delivery_get` and its kin."""
    (site, key, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
     subject_id, title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
     replay_id, copy_of, test, payload) = row  # fmt: skip
    return Delivery(
        site=site,
        id=key,
        webhook_id=webhook_id,
        webhook_version=webhook_version,
        shard=shard,
        event_ids=tuple(event_ids.split(" ")) if event_ids else (),
        event_types=tuple(event_types.split(" ")) if event_types else (),
        created_at=created_at,
        due_at=due_at,
        state=DeliveryState(state),
        subject=None if subject_id is None else Subject(type=subject_type, id=subject_id, title=title),
        hop=hop,
        attempts=attempts,
        step=step,
        internal_faults=internal_faults,
        last_outcome=last_outcome,
        last_status=last_status,
        ended_at=ended_at,
        payload_bytes=payload_bytes,
        payload=None if payload is None else unsummed(payload, site, key),
        replay_id=replay_id,
        copy_of=copy_of,
        test=bool(test),
    )


def idempotency_row(row: Idempotency) -> Bindings:
    """Bindings of `idempotency_insert`."""
    return (row.site, row.maker, row.key, row.body_hash, row.answer, row.at)


def idempotency_of(row: Any) -> Idempotency:
    """The remembered key of a row."""
    site, maker, key, body_hash, answer, at = row
    return Idempotency(site=site, maker=maker, key=key, body_hash=body_hash, answer=answer, at=at)


def stat_row(row: StatHour) -> Bindings:
    """Bindings of `stat_hour_put`."""
    return (
        row.site, row.webhook_id, row.hour, row.delivered, row.accepted, row.failed, row.first_time, row.ms_sum,
        _encode(row.ms_buckets).decode(),
    )  # fmt: skip


def stat_of(row: Any) -> StatHour:
    """The counts of a row."""
    site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, buckets = row
    return StatHour(
        site=site,
        webhook_id=webhook_id,
        hour=hour,
        delivered=delivered,
        accepted=accepted,
        failed=failed,
        first_time=first_time,
        ms_sum=ms_sum,
        ms_buckets=_buckets_of(buckets),
    )
