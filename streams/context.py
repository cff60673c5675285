"""What the services of one worker share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from crm_online.settings import Settings
from crm_online.store import Store
from streams.health import Health
from streams.metrics import WorkerMetrics
from streams.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What the services of one worker share.

    Attributes
    ----------
    settings
        The settings in force; ``replay.partitions`` is the number of partitions of the events topic.
    store
        The state.
    metrics, health
        Where the worker shows how it does.
    retry
        Waits for store and brokers.
    fail
        Ends the worker loudly.
    """

    settings: Settings
    store: Store
    metrics: WorkerMetrics
    health: Health
    retry: RetryPolicy
    fail: Callable[[Exception], Awaitable[None]]
