"""`/metrics` in Prometheus' text form. Labels are sites and fixed words: never a host, a URL or a name."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from deskbell import __version__
from deskbell.model.figures import EngineCounters, QueueFigures, Spread, StoreFigures

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that is told, read at one moment."""

    engine: EngineCounters
    store: StoreFigures
    queues: tuple[QueueFigures, ...]
    timers: int
    loop_late_s: float  # the longest that the event loop was late since the last look


def metrics_text(figures: Figures) -> bytes:
    """The whole page; the process's own memory, processor time and descriptors included."""
    every = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=every)
    GCCollector(registry=every)
    every.register(_Told(figures))
    return generate_latest(every)


class _Told(Collector):
    """One moment's figures in the form that the library writes."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        yield _labelled(GaugeMetricFamily, "deskbell_info", "The version", "version", {__version__: 1})
        yield from _engine(self._figures.engine)
        yield from _queues(self._figures.queues)
        store = self._figures.store
        yield _spread("deskbell_commit_seconds", "One transaction until it is durable", store.commit_s)
        yield _spread("deskbell_read_seconds", "One question to the database", store.read_s)
        yield CounterMetricFamily("deskbell_units", "Units of changes written", value=store.units)
        yield CounterMetricFamily("deskbell_statements", "Statements that wrote them", value=store.statements)
        yield GaugeMetricFamily("deskbell_disk_full", "1 while what grows is refused", value=int(store.is_short()))
        yield GaugeMetricFamily("deskbell_timers_armed", "Armed timers", value=self._figures.timers)
        yield GaugeMetricFamily(
            "deskbell_loop_late_seconds", "Longest delay of the event loop", value=self._figures.loop_late_s
        )


def _engine(engine: EngineCounters) -> Iterator[Metric]:
    yield CounterMetricFamily("deskbell_events", "Events accepted", value=engine.events)
    yield CounterMetricFamily("deskbell_deliveries", "Deliveries made", value=engine.deliveries)
    yield _labelled(CounterMetricFamily, "deskbell_attempts", "Attempts by outcome", "outcome", engine.attempts)
    yield CounterMetricFamily(
        "deskbell_settles_refused", "Settles refused: the delivery or its owner had changed", engine.settles_refused
    )
    yield GaugeMetricFamily("deskbell_shards", "Shards that this process owns, of 256 in all", value=engine.shards)
    yield GaugeMetricFamily("deskbell_in_flight", "Attempts on their way", value=engine.in_flight)
    yield GaugeMetricFamily("deskbell_in_memory", "Deliveries in memory", value=engine.in_memory)
    yield GaugeMetricFamily("deskbell_in_memory_bytes", "About what they take", value=engine.in_memory_bytes)
    yield GaugeMetricFamily("deskbell_unsettled", "Attempts judged and not durable yet", value=engine.unsettled)
    yield GaugeMetricFamily(
        "deskbell_publishes_waiting", "Units that wait for their commit", value=engine.publishes_waiting
    )
    yield GaugeMetricFamily(
        "deskbell_oldest_due_seconds", "How long the oldest due delivery in memory has waited", engine.oldest_due_s
    )
    yield _spread("deskbell_accept_seconds", "From handing in to durable", engine.accept_s)
    yield _spread("deskbell_attempt_seconds", "One attempt, without its time in the queue", engine.attempt_s)
    yield _spread("deskbell_arrival_seconds", "From accepting to arrival, first attempts", engine.arrival_s)


def _queues(queues: tuple[QueueFigures, ...]) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("deskbell_queue", "Deliveries that have not ended", labels=("site", "state"))
    oldest = GaugeMetricFamily("deskbell_oldest_waiting_seconds", "Age of the oldest that waits", labels=("site",))
    webhooks = GaugeMetricFamily("deskbell_webhooks", "Webhooks by state", labels=("site", "state"))
    breakers = GaugeMetricFamily("deskbell_breakers_open", "Webhooks that are left in peace", labels=("site",))
    for one in queues:
        waiting.add_metric((one.site, "waiting"), one.waiting)
        waiting.add_metric((one.site, "held"), one.held)
        oldest.add_metric((one.site,), one.oldest_s)
        breakers.add_metric((one.site,), one.breakers_open)
        for state, count in one.webhooks.items():
            webhooks.add_metric((one.site, state), count)
    yield from (waiting, oldest, webhooks, breakers)


def _labelled(
    family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, words: str, label: str,
    values: Mapping[str, float],
) -> Metric:  # fmt: skip
    made = family(name, words, labels=(label,))
    for value, count in values.items():
        made.add_metric((value,), count)
    return made


def _spread(name: str, words: str, spread: Spread) -> Metric:
    buckets = [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in spread.up_to()]
    return HistogramMetricFamily(name, words, buckets=buckets, sum_value=spread.sum_s)
