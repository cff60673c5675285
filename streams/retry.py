"""How a worker waits for what is away: it says so, tries again with pauses that grow, and says when it is back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from crm_online.errors import StoreRefused, StoreUnavailable
from streams.health import Health
from streams.metrics import Peer, WorkerMetrics

T = TypeVar("T")
AWAY: Final = (StoreUnavailable, StoreRefused)
"""What is wrong with a store that may come back: no answer, full, read-only, rights that are being mended."""

_LONGEST_PAUSE: Final = 5.0
_SLOW: Final = 0.4
"""Seconds; a commit takes milliseconds, and a checkpoint of the counters, now and then, more than this."""
_IN_A_ROW: Final = 3
_SLOWLY: Final = "committing"
_log = logging.getLogger(__name__)


class RetryPolicy:
    """Waits for stores and brokers.

    Parameters
    ----------
    health, metrics
        Where the wait is told.
    """

    def __init__(self, health: Health, metrics: WorkerMetrics) -> None:
        self._health, self._metrics = health, metrics
        self._slow = 0

    def took(self, seconds: float) -> None:
        """Say so while the store is slow: when some commits in a row took long, until one does not."""
        self._slow = self._slow + 1 if seconds > _SLOW else 0
        if not self._slow:
            self._health.fine(_SLOWLY)
        elif self._slow >= _IN_A_ROW:
            reason = f"the store is slow: the last commit took {seconds:.1f} s"
            self._health.waiting(_SLOWLY, reason)
            _log.warning(reason)

    async def run(
        self,
        run: Callable[[], Awaitable[T]],
        kinds: type[Exception] | tuple[type[Exception], ...],
        peer: Peer,
        doing: str,
    ) -> T:
        """Run something until it succeeds, and return what it returns.

        Parameters
        ----------
        run
            What is tried.
        kinds
            The errors that are waited out; others are raised.
        peer
            What is waited for.
        doing
            What is tried, in words, for the log and for ``/readyz``.
        """

        def tell(state: RetryCallState) -> None:
            assert state.outcome is not None
            assert state.next_action is not None
            error = state.outcome.exception()
            reason = str(error) or type(error).__name__
            self._health.waiting(doing, reason)
            self._metrics.waited(peer, state.next_action.sleep)
            _log.warning("%s waits for the %s: %s", doing, peer, reason)

        async def attempt() -> T:
            return await run()

        attempts = AsyncRetrying(
            wait=wait_random_exponential(multiplier=0.1, max=_LONGEST_PAUSE),
            retry=retry_if_exception_type(kinds),
            before_sleep=tell,
            reraise=True,
        )
        try:
            done: T = await attempts(attempt)
        finally:
            self._health.fine(doing)
        if attempts.statistics["attempt_number"] > 1:
            _log.info("%s goes on: the %s is back", doing, peer)
        return done
