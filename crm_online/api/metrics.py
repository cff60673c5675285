"""What the service counts and measures, for Prometheus."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

PREFIX = "crm_online"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

StoreWork = Literal["customers", "snapshots", "changes", "recommendations", "events"]


class ServiceMetrics:
    """All metrics of one service, in a registry of their own: several services fit into one process.

    Attributes
    ----------
    feeds : Gauge
        Open feeds of changes.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            f"{PREFIX}_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            f"{PREFIX}_request_seconds",
            "Time to the first byte of an answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._refused = Counter(
            f"{PREFIX}_refused_requests",
            "Requests refused before a route saw them.",
            ("reason",),
            registry=self._registry,
        )
        self.feeds = Gauge(f"{PREFIX}_feeds", "Open feeds of changes.", registry=self._registry)
        self._changes = Counter(f"{PREFIX}_changes_sent", "Changes sent to feeds.", registry=self._registry)
        self._store = Histogram(
            f"{PREFIX}_store_seconds",
            "Time that reads of the store took.",
            ("work",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._deliveries = Counter(
            f"{PREFIX}_webhook_deliveries",
            "Deliveries to webhooks: delivered, failed attempts, and changes that were given up (dead).",
            ("webhook", "outcome"),
            registry=self._registry,
        )
        self._waiting = Gauge(
            f"{PREFIX}_webhook_waiting", "Changes under way to a webhook.", ("webhook",), registry=self._registry
        )
        self._requests_by: dict[tuple[str, str, int], Counter] = {}
        self._seconds_by: dict[str, Histogram] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request.

        Parameters
        ----------
        route
            The route's template, never a path: there are only so many.
        method, status, seconds
            Of the answer; the seconds are those to its first byte.
        """
        key = route, method, status
        counter = self._requests_by.get(key)
        if counter is None:
            counter = self._requests_by[key] = self._requests.labels(route, method, str(status))
            self._seconds_by.setdefault(route, self._seconds.labels(route))
        counter.inc()
        self._seconds_by[route].observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a request that was refused at the gate."""
        self._refused.labels(reason).inc()

    def sent(self, changes: int) -> None:
        """Count changes that were sent to a feed."""
        self._changes.inc(changes)

    def delivery(self, webhook: str, outcome: str) -> None:
        """Count what came of a delivery to a webhook: delivered, failed or dead."""
        self._deliveries.labels(webhook, outcome).inc()

    def deliveries_waiting(self, webhook: str, changes: int) -> None:
        """Record how many changes are under way to a webhook."""
        self._waiting.labels(webhook).set(changes)

    def store(self, work: StoreWork, seconds: float) -> None:
        """Record the seconds of a read of the store."""
        self._store.labels(work).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
