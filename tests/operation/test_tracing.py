"""Traces: one span for the accepted event and one for each attempt, in one trace, and nothing secret in them."""

from pathlib import Path

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deskbell.model.ids import id_number
from deskbell.tracing import Tracing, start_tracing
from receiver import Receiver
from running import running


async def test_an_event_and_its_attempts_are_one_trace(tmp_path: Path) -> None:
    """The trace id is the event's own id."""
    spans = InMemorySpanExporter()
    async with running(tmp_path) as app, Receiver(answers=[(503, {})]) as receiver:
        tracing = Tracing(SimpleSpanProcessor(spans), app.house.rooms.doorbell)
        await app.webhook(f"{receiver.url}/secret-path", "custom.*", retrySchedule=[])
        event = await app.good("POST", "/events", {"type": "custom.a", "data": {"canary": "payload"}})
        await app.delivery(lambda one: one["state"] == "exhausted")
        tracing.close()
    found = {span.name: span for span in spans.get_finished_spans()}
    assert set(found) == {"event.accept", "delivery.attempt"}
    assert {span.context.trace_id for span in found.values()} == {id_number(event["id"])}
    attempt = found["delivery.attempt"]
    assert (attempt.attributes["deskbell.outcome"], attempt.attributes["deskbell.state"]) == ("http_503", "exhausted")
    assert not attempt.status.is_ok
    assert attempt.end_time >= attempt.start_time
    text = "".join(span.to_json() for span in found.values())
    assert "secret-path" not in text
    assert "canary" not in text


async def test_nothing_is_traced_unless_a_collector_is_named(tmp_path: Path) -> None:
    """Deskbell makes no connection of its own accord."""
    async with running(tmp_path) as app:
        assert start_tracing({}, app.house.rooms.doorbell) is None
