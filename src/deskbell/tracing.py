"""Traces, for installations that have a collector: a span for each accepted event and each attempt.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT names a collector and the extra `deskbell[otel]` is installed. A span holds ids,
types, outcomes and times: never a URL, a header, a payload or a name. An event and its attempts share one trace, whose
id is the event's own, so that no header has to carry it.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from deskbell.config import ConfigError
from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.event import Event
from deskbell.model.exchange import OutcomeClass
from deskbell.model.ids import id_number
from deskbell.model.instant import Instant, plus
from deskbell.ports import Doorbell

SETTING = "OTEL_EXPORTER_OTLP_ENDPOINT"
_GOOD = frozenset({OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED})
_log = structlog.get_logger()


def start_tracing(environment: Mapping[str, str], doorbell: Doorbell) -> "Tracing | None":
    """Listen and export in the background; None when no collector is named. Raises ConfigError without the extra."""
    if not environment.get(SETTING):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigError(f"{SETTING}: install the extra first: pip install 'deskbell[otel]'") from None
    return Tracing(BatchSpanProcessor(OTLPSpanExporter()), doorbell)


class Tracing:
    """Hears what the engine tells and makes spans of it; `close` sends what is left."""

    def __init__(self, processor: Any, doorbell: Doorbell) -> None:
        """`processor`: an OpenTelemetry span processor; it queues, and drops what it cannot send."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self._ids = _Ids()
        provider = TracerProvider(resource=Resource.create({"service.name": "deskbell"}), id_generator=self._ids.made())
        provider.add_span_processor(processor)
        self._provider = provider
        self._tracer = provider.get_tracer("deskbell")
        self._attempt: Attempt | None = None  # told just now; its delivery follows
        self._stops = (
            doorbell.listen("event", self.accepted),
            doorbell.listen("attempt", self.attempted),
            doorbell.listen("delivery", self.settled),
        )

    def accepted(self, event: Event) -> None:
        """An event is durable."""
        matched = sum(entry.delivery_id is not None for entry in event.trace)
        self._span(
            "event.accept",
            event.id,
            (event.received_at, event.received_at),
            {"deskbell.event": event.id, "deskbell.type": event.type, "deskbell.site": event.site,
             "deskbell.deliveries": matched},
        )  # fmt: skip

    def attempted(self, attempt: Attempt) -> None:
        """An attempt is durable; which events it carried is told next."""
        self._attempt = attempt

    def settled(self, delivery: Delivery) -> None:
        """The delivery of the attempt just told."""
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt.delivery_id != delivery.id or not delivery.event_ids:
            return
        members = {
            "deskbell.site": attempt.site,
            "deskbell.webhook": attempt.webhook_id,
            "deskbell.delivery": attempt.delivery_id,
            "deskbell.attempt": attempt.id,
            "deskbell.number": attempt.number,
            "deskbell.trigger": attempt.trigger.value,
            "deskbell.outcome": attempt.outcome.name,
            "deskbell.state": delivery.state.value,
            "deskbell.events": len(delivery.event_ids),
        }
        times = {
            f"deskbell.{phase}": value
            for phase in ("queued_ms", "resolve_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms")
            if (value := getattr(attempt.timing, phase)) is not None
        }
        end = plus(attempt.started_at, attempt.timing.total_ms / 1000)
        good = attempt.outcome.kind in _GOOD
        self._span("delivery.attempt", delivery.event_ids[0], (attempt.started_at, end), members | times, good=good)

    def close(self) -> None:
        """Stop listening and send what is queued."""
        for stop in self._stops:
            stop()
        self._provider.shutdown()

    def _span(
        self, name: str, event_id: str, times: tuple[Instant, Instant], members: Mapping[str, Any], *, good: bool = True
    ) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._ids.trace_id = id_number(event_id)
        span = self._tracer.start_span(name, start_time=int(times[0]) * 100, attributes=members)
        if not good:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=int(times[1]) * 100)


class _Ids:
    """The trace id is the event's; span ids are chance."""

    def __init__(self) -> None:
        self.trace_id = 0

    def made(self) -> Any:
        """An id generator of the library's kind."""
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        outer = self

        class Generator(RandomIdGenerator):
            def generate_trace_id(self) -> int:
                return outer.trace_id

        return Generator()
