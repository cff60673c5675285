"""What a worker counts and measures, for Prometheus.

Counters grow as long as the process lives. Gauges of a partition are there only while this worker has it, and the
segments' only while it has partition 0: sums and maxima over all workers are then those of the whole.

The number of steps is ``crm_online_step_records_count``, that of transactions ``crm_online_publish_seconds_count``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from crm_online.engine.stages import Stage

PREFIX = "crm_online"

StepFailure = Literal["owner", "position", "hole", "store"]
Peer = Literal["store", "broker"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RECORDS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)

# What each step of a partition counts, measures and leaves: by field of its report.
_COUNTS = {
    "events": "Events accepted.",
    "rejects": "Records that are no valid event.",
    "duplicates": "Events that had been counted before.",
}
_MEASURES = {
    "step_records": ("Records of a step.", _RECORDS),
    "step_seconds": (
        "Time of a step but for its commit: waiting for a thread, reading the store, computing.",
        _SECONDS,
    ),
    "commit_seconds": ("Time to commit a step.", _SECONDS),
}
_GAUGES = {
    "position": "Offset of the next record.",
    "lag": "Records between the position and the end of the log.",
    "outbox_length": "Changes committed but not yet published.",
    "watermark_seconds": "Largest event time, since 1970.",
    "epsilon": "Largest error of a support, a share of the baskets.",
    "customers": "Customers in the state.",
}


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one committed step of one partition did, and how the partition is after it.

    Attributes
    ----------
    partition : int
        Partition of the state.
    step_records : int
        Records of the topic in the step; 0 for a tick.
    events, rejects, duplicates : int
        What became of them.
    step_seconds : float
        Time of the step but for its commit, in seconds: waiting for a thread, reading the store, computing.
    commit_seconds : float
        Time from sending the commit to its answer, in seconds.
    position : int
        Offset of the next record.
    lag : int
        Records between the position and the end of the topic's partition.
    outbox_length : int
        Changes that are committed but not yet published.
    watermark_seconds : float or None
        Largest event time so far, in seconds since 1970; None before the first event.
    epsilon : float
        Largest error that a support may have now, as a share of the baskets.
    customers : int
        Customers in the partition.
    """

    partition: int
    step_records: int
    events: int
    rejects: int
    duplicates: int
    step_seconds: float
    commit_seconds: float
    position: int
    lag: int
    outbox_length: int
    watermark_seconds: float | None
    epsilon: float
    customers: int


class WorkerMetrics:
    """All metrics of one worker, in a registry of their own: several workers fit into one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

        self._counts = {name: self._counter(name, text, "partition") for name, text in _COUNTS.items()}
        self._claims = self._counter("claims", "Claims of a partition's state.", "partition")
        self._failed_steps = self._counter(
            "refused_commits",
            "Steps that failed: a fence refused the commit, or the store could not be used.",
            "reason",
        )
        self._refetches = self._counter("refetches", "Fetches that skipped records, and were repeated.")
        self._waited = self._counter("wait_seconds", "Time spent waiting for store or broker to answer.", "peer")
        self._published = self._counter("published", "Changes published.", "topic")
        self._rebalances = self._counter("rebalances", "Rebalances of the consumer group.")
        self._measures = {
            name: self._histogram(name, text, buckets, "partition") for name, (text, buckets) in _MEASURES.items()
        }
        self._stages = self._counter("stage_cpu_seconds", "Processor time by stage.", "stage")
        self._publish_seconds = self._histogram("publish_seconds", "Time to publish a transaction.", _SECONDS)
        self._gauges = {name: self._gauge(name, text, "partition") for name, text in _GAUGES.items()}
        self._ready = self._gauge("ready", "1 where the worker is ready, otherwise 0.")
        self._segments = _Segments()
        self._registry.register(self._segments)

        for reason in get_args(StepFailure):
            self._failed_steps.labels(reason)
        for peer in get_args(Peer):
            self._waited.labels(peer)
        for stage in Stage:
            self._stages.labels(stage)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets, registry=self._registry)

    def step(self, report: StepReport) -> None:
        """Count a committed step."""
        partition = str(report.partition)
        for name, counter in self._counts.items():
            counter.labels(partition).inc(getattr(report, name))
        for name, histogram in self._measures.items():
            histogram.labels(partition).observe(getattr(report, name))
        for name, gauge in self._gauges.items():
            value = getattr(report, name)
            if value is not None:
                gauge.labels(partition).set(value)

    def lag(self, partition: int, records: int) -> None:
        """Set the lag of a partition; also while no step can be committed."""
        self._gauges["lag"].labels(str(partition)).set(records)

    def outbox(self, partition: int, changes: int) -> None:
        """Set how many changes wait in a partition's outbox."""
        self._gauges["outbox_length"].labels(str(partition)).set(changes)

    def segments(self, J: float, version: int, sizes: Mapping[str, int]) -> None:  # noqa: N803
        """Set the model's version and J, and the sizes of its segments; for the worker that has partition 0.

        Parameters
        ----------
        J : float
            Sum of the customers' squared distances to their segment's centre, in squared standard deviations.
        version : int
            Version of the model.
        sizes : mapping of str to int
            Customers of each segment, by its id.
        """
        self._segments.now = (J, version, dict(sizes))

    def claimed(self, partition: int) -> None:
        """Count a claim of a partition's state."""
        self._claims.labels(str(partition)).inc()

    def released(self, partition: int) -> None:
        """Remove the gauges of a partition that is another worker's now; its counters stay."""
        for gauge in self._gauges.values():
            gauge.remove(str(partition))
        if partition == 0:
            self._segments.now = None

    def step_failed(self, reason: StepFailure) -> None:
        """Count a step that failed, so that its partition is released.

        Parameters
        ----------
        reason : {"owner", "position", "hole", "store"}
            The fence that refused its commit; store: Redis did not answer, or refused a read or a write.
        """
        self._failed_steps.labels(reason).inc()

    def refetched(self) -> None:
        """Count a fetch that skipped records, and is repeated."""
        self._refetches.inc()

    def waited(self, peer: Peer, seconds: float) -> None:
        """Count time spent waiting for the store or the broker, in seconds."""
        self._waited.labels(peer).inc(seconds)

    def stages(self, seconds: Mapping[Stage, float]) -> None:
        """Count processor time by stage, in seconds."""
        for stage, spent in seconds.items():
            self._stages.labels(stage).inc(max(spent, 0.0))

    def published(self, counts: Mapping[str, int], seconds: float) -> None:
        """Count a committed transaction: its changes by topic, and its time, in seconds."""
        for topic, count in counts.items():
            self._published.labels(topic).inc(count)
        self._publish_seconds.observe(seconds)

    def rebalanced(self) -> None:
        """Count a rebalance of the consumer group."""
        self._rebalances.inc()

    def ready(self, ready: bool) -> None:
        """Set whether the worker is ready."""
        self._ready.set(ready)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Segments(Collector):
    """The model's metrics; none while partition 0 is another worker's, or before the first model."""

    def __init__(self) -> None:
        self.now: tuple[float, int, dict[str, int]] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        distances = GaugeMetricFamily(f"{PREFIX}_j", "Sum of squared distances to the segment's centre, J.")
        version = GaugeMetricFamily(f"{PREFIX}_model_version", "Version of the model.")
        sizes = GaugeMetricFamily(f"{PREFIX}_segment_customers", "Customers of a segment.", labels=["segment"])
        if self.now is not None:
            distance, number, customers = self.now
            distances.add_metric([], distance)
            version.add_metric([], number)
            for segment, size in customers.items():
                sizes.add_metric([segment], size)
        yield from (distances, version, sizes)
