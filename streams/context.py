"""What the services of one worker share: the turn to step, and the way in which they wait for store and broker."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from crm_online.errors import StoreRefused, StoreUnavailable
from crm_online.settings import Settings
from crm_online.store import Store
from streams.health import Health
from streams.metrics import Peer, WorkerMetrics

T = TypeVar("T")
STORE_OUTAGES: Final = (StoreUnavailable, StoreRefused)
"""What is wrong with a store that may come back: no answer, full, read-only, rights that are being mended."""

_LONGEST_PAUSE: Final = 5.0
_log = logging.getLogger(__name__)


class RetryPolicy:
    """Retries what fails for want of a store or broker, with pauses that grow; health, metrics and log show it.

    Parameters
    ----------
    health, metrics
        Where the wait is shown.
    """

    def __init__(self, health: Health, metrics: WorkerMetrics) -> None:
        self._health, self._metrics = health, metrics

    async def run(
        self,
        call: Callable[[], Awaitable[T]],
        errors: type[Exception] | tuple[type[Exception], ...],
        peer: Peer,
        doing: str,
    ) -> T:
        """Call something until it succeeds, and return what it returns.

        Parameters
        ----------
        call
            What is tried.
        errors
            Those that are waited out; others are raised.
        peer
            What is waited for.
        doing
            What is tried, in words, for the log and for ``/readyz``.
        """

        def show(state: RetryCallState) -> None:
            assert state.outcome is not None
            assert state.next_action is not None
            error = state.outcome.exception()
            reason = str(error) or type(error).__name__
            self._health.waiting(doing, reason)
            self._metrics.waited(peer, state.next_action.sleep)
            _log.warning("%s waits for the %s: %s", doing, peer, reason)

        async def attempt() -> T:
            return await call()

        attempts = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.1, max=_LONGEST_PAUSE),
            retry=retry_if_exception_type(errors),
            before_sleep=show,
            reraise=True,
        )
        try:
            result: T = await attempts(attempt)
        finally:
            self._health.fine(doing)
        if attempts.statistics["attempt_number"] > 1:
            _log.info("%s goes on: the %s is back", doing, peer)
        return result


class QueuedPartition(Protocol):
    """A partition with something to step through: :class:`streams.assigned.AssignedPartition`."""

    async def process(self) -> None:
        """Step through what has waited longest."""


class StepTurn:
    """What the partitions of a worker share so that they step one at a time.

    Parameters
    ----------
    enqueue
        Queues a partition for its ``process``; waits while too many are queued.

    Attributes
    ----------
    lock
        Held by the partition whose step is under way.
    progressed
        When any partition last made progress, in seconds of the monotonic clock.
    stopped
        Whether no more steps are done.
    """

    def __init__(self, enqueue: Callable[[QueuedPartition], Awaitable[None]]) -> None:
        self.enqueue = enqueue
        self.lock = asyncio.Lock()
        self.progressed = time.monotonic()
        self.stopped = False

    async def wait_for_step(self) -> None:
        """Wait until no step is under way."""
        async with self.lock:
            pass


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
    turn
        Has the partitions step one at a time.
    fail
        Ends the worker loudly.
    """

    settings: Settings
    store: Store
    metrics: WorkerMetrics
    health: Health
    retry: RetryPolicy
    turn: StepTurn
    fail: Callable[[Exception], Awaitable[None]]
