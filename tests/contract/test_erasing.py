"""Erasing: a subject's content goes from events, deliveries and attempts; ids, types and times stay."""

from dataclasses import replace

from contract.made import (
    OTHER,
    SITE,
    at,
    bin_,
    capture,
    chat,
    delivery,
    event,
    health,
    inserts,
    message,
    note,
    secret,
    settle,
    site,
    ticket,
    webhook,
)
from deskbell.model.changes import Committed, EraseSubject, EraseWebhook, Overwrite, PutHealth, Refused, Replace, Unit
from deskbell.model.delivery import DeliveryState
from deskbell.model.event import Idempotency, Subject
from deskbell.model.ids import SiteId
from deskbell.model.webhook import WebhookState
from deskbell.ports import Store

OK = Committed()
ERASE = EraseSubject(site=SITE, subject=("chat", "c1"), at=at(99))


async def test_a_subject_is_blanked_everywhere(store: Store) -> None:
    """What waited is cancelled; another subject of the same webhook is as it was."""
    one, two = event(1), event(2)
    other = event(3, subject=Subject(type="chat", id="c2", title="Secret"))
    sent = delivery(1, event_ids=(one.id,), payload=b"rendered")
    waits = delivery(2, event_ids=(two.id, other.id), subject=None)
    others = delivery(3, event_ids=(other.id,), subject=other.subject)
    await store.commit(inserts(one, two, other, sent, waits, others))
    await store.commit(Unit(changes=(settle(sent, 5),)))
    assert await store.commit(Unit(changes=(ERASE,))) == Committed(rows=2)

    for before in (one, two):
        after = await store.events.get(SITE, before.id)
        assert after == replace(before, snapshot=b"", subject=Subject(type="chat", id="c1"))
    assert await store.events.get(SITE, other.id) == other
    found = await store.deliveries.get(SITE, sent.id)
    assert found is not None
    assert (found.state, found.payload, found.subject) == (
        DeliveryState.DELIVERED, None, Subject(type="chat", id="c1"),
    )  # fmt: skip
    cancelled = await store.deliveries.get(SITE, waits.id)
    assert cancelled is not None
    assert (cancelled.state, cancelled.ended_at) == (DeliveryState.CANCELLED, at(99))
    assert await store.deliveries.get(SITE, others.id) == others
    (attempt,) = await store.deliveries.attempts(SITE, sent.id)
    assert (attempt.response_body, attempt.response_headers, attempt.request_headers, attempt.outcome.text) == (
        b"", (), (), "",
    )  # fmt: skip
    assert (attempt.outcome.name, attempt.timing.total_ms) == ("http_200", 3.0)


async def test_erasing_twice_finds_nothing_more(store: Store) -> None:
    """A repeated erasure is harmless, and another site's subject of the same name is another subject."""
    foreign = event(1, site=OTHER)
    await store.commit(inserts(event(1), foreign))
    assert await store.commit(Unit(changes=(ERASE,))) == Committed(rows=1)
    assert await store.commit(Unit(changes=(ERASE,))) == OK
    assert await store.events.get(OTHER, foreign.id) == foreign


async def test_stored_answers_that_quote_are_blanked(store: Store) -> None:
    """A request that is repeated later is not carried out again, nor answered with what was erased; ids stay."""

    def answered(key: str, answer: bytes, site: SiteId = SITE) -> Idempotency:
        return Idempotency(site=site, maker="key_1", key=key, body_hash="h", answer=answer, at=at(1))

    quoting = answered("a", b'{"status":201,"headers":{},"body":"{}"}')
    ids, foreign = answered("b", b'{"id":"evt_1"}'), replace(quoting, site=OTHER)
    await store.commit(inserts(quoting, ids, foreign))
    await store.commit(Unit(changes=(ERASE,)))
    assert await store.events.idempotency(SITE, "key_1", "a") == replace(quoting, answer=b"")
    assert await store.events.idempotency(SITE, "key_1", "b") == ids
    assert await store.events.idempotency(OTHER, "key_1", "a") == foreign


async def test_a_capture_is_written_over(store: Store) -> None:
    """Its place in the bin stays."""
    mine = bin_()
    first, second = capture(mine, 1), capture(mine, 2)
    await store.commit(inserts(mine, first, second))
    blank = replace(first, body=b"", headers=())
    assert await store.commit(Unit(changes=(Overwrite(row=blank),))) == OK
    assert await store.bins.captures(SITE, mine.id, None, 10) == (second, blank)


async def test_only_a_deleted_webhook_is_erased(store: Store) -> None:
    """With its secrets, versions and health; its deliveries stay."""
    row = webhook()
    sent = delivery(webhook_id=row.id)
    await store.commit(inserts(row, secret(row), sent))
    await store.commit(Unit(changes=(PutHealth(health=health(webhook_id=row.id)),)))
    erase = Unit(changes=(EraseWebhook(site=SITE, webhook_id=row.id),))
    assert await store.commit(erase) == Refused(reason="state", what="webhook")
    await store.commit(Unit(changes=(Replace(row=replace(row, version=2, state=WebhookState.DELETED)),)))
    assert await store.commit(erase) == OK
    assert await store.webhooks.all(SITE) == ()
    assert await store.webhooks.secrets(SITE, row.id) == ()
    assert await store.webhooks.version(SITE, row.id, 1) is None
    assert await store.webhooks.health(SITE) == ()
    assert await store.deliveries.get(SITE, sent.id) == sent


async def test_texts_of_the_desk_are_written_over(store: Store) -> None:
    """Messages and notes lose their text and keep their places."""
    talk, case = chat(), ticket(1)
    await store.commit(inserts(site(), talk, case))
    said, noted = [message(talk, 1), message(talk, 2)], [note(case, 1), note(case, 2)]
    await store.commit(inserts(*said, *noted))
    blank = (replace(said[0], text="erased"), replace(noted[1], text="erased"))
    assert await store.commit(Unit(changes=tuple(Overwrite(row=one) for one in blank))) == Committed()
    assert await store.desk.messages(SITE, talk.id) == (blank[0], said[1])
    assert await store.desk.notes(SITE, case.id) == (noted[0], blank[1])
