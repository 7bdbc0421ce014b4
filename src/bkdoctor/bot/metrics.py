"""What is counted, as Prometheus reads it: the receiver's own counters, and those that workers keep in the database.

Workers are processes without a port, on any machine: what they count is added up in the database, and every receiver
shows the same sums.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from bkdoctor.bot.store import Store
from bkdoctor.bot.task import Record

BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 86400.0)
"""Of the time from event to note, in seconds."""
_ACKNOWLEDGED = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WORK_HELP = {
    "bkdoctor_diagnosed_jobs": "Failed build jobs diagnosed, by the pattern of the first finding.",
    "bkdoctor_unknown_jobs": "Failed build jobs for which nothing is known.",
    "bkdoctor_work_done": "Pieces of work that came to an end, by what came of them.",
    "bkdoctor_work_retried": "Pieces of work that failed and are tried again.",
    "bkdoctor_api_calls": "Requests to GitLab.",
    "bkdoctor_api_retries": "Requests to GitLab that were made again.",
}
_TIME = "bkdoctor_event_to_note_seconds"

Labels = tuple[tuple[str, str], ...]


class Counters:
    """What one receiver counts."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter(
            "bkdoctor_events", "Requests to /webhook, by what became of them.", ["result", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self.acknowledged = Histogram(
            "bkdoctor_acknowledge_seconds", "Time from request to answer for events that are stored.",
            buckets=_ACKNOWLEDGED, registry=self.registry,
        )  # fmt: skip
        self.registry.register(_Ledger(store))

    def page(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _Ledger(Collector):
    """The counters in the database, and the state of the queue."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterable[Metric]:
        """Tell nothing beforehand: that would ask the database when a receiver starts."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its values of now."""
        number, age = self._store.waiting()
        yield GaugeMetricFamily("bkdoctor_queue_length", "Pieces of work that wait or are at work.", value=number)
        yield GaugeMetricFamily("bkdoctor_queue_age_seconds", "How long the oldest piece of work waits.", value=age)
        alive = GaugeMetricFamily("bkdoctor_processes", "Processes heard of in the last minute.", labels=["role"])
        for role, processes in self._store.alive().items():
            alive.add_metric([role], processes)
        yield alive
        rows = self._store.counters()
        for name, text in _WORK_HELP.items():
            mine = [(labels, value) for found, labels, value in rows if found == name]
            family = CounterMetricFamily(name, text, labels=sorted({key for labels, _ in mine for key in labels}))
            for labels, value in mine:
                family.add_metric([labels[key] for key in sorted(labels)], value)
            yield family
        yield _times({labels["le"]: value for name, labels, value in rows if name == _TIME})


def of_record(record: Record, seconds: float) -> dict[tuple[str, Labels], float]:
    """Return what a finished piece of work adds to the counters."""
    counts: dict[tuple[str, Labels], float] = {("bkdoctor_work_done", (("outcome", record.outcome),)): 1}
    for pattern in record.patterns:
        known = pattern != "unknown"
        key = ("bkdoctor_diagnosed_jobs", (("pattern", pattern),)) if known else ("bkdoctor_unknown_jobs", ())
        counts[key] = counts.get(key, 0) + 1
    if record.outcome in ("noted", "updated", "resolved"):
        edge = next((str(bucket) for bucket in BUCKETS if seconds <= bucket), "+Inf")
        counts[(_TIME, (("le", edge),))] = 1
        counts[(_TIME, (("le", "sum"),))] = seconds
    return counts


def _times(stored: dict[str, float]) -> Metric:
    edges, total = [*map(str, BUCKETS), "+Inf"], 0.0
    buckets = []
    for edge in edges:
        total += stored.get(edge, 0.0)
        buckets.append((edge, total))
    text = "Time from the first event to the note written."
    return HistogramMetricFamily(_TIME, text, buckets=buckets, sum_value=stored.get("sum", 0.0))
