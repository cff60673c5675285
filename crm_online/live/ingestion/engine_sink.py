"""Events straight to the engine: all that wait at one moment become one step of each partition."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from crm_online.answers.service import EventReceipt
from crm_online.engine.preload import preload
from crm_online.errors import CrmOnlineError, EventsRefused, TooFarAhead
from crm_online.events.models import Event
from crm_online.live.ingestion.event_log import EventLog, SentEvents

_T = TypeVar("_T")
_IDLE: Final = 1.0
_WAITING: Final = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """Events that were sent together, and who waits to hear how many of them were duplicates."""

    sent: SentEvents
    committed: asyncio.Future[int]


class EngineSink:
    """Commits events to a state that logs feed; each answer waits for the commit.

    Parameters
    ----------
    log
        The events as a log.
    most
        Most events in one step; ten times as many may wait.
    timed
        Called with the seconds of each commit of events.
    """

    def __init__(self, log: EventLog, most: int, timed: Callable[[float], None] | None = None) -> None:
        self._log, self._most, self._timed = log, most, timed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._waiting: deque[_Request] = deque()
        self._arrived = asyncio.Event()
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._preloading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to commit what comes."""
        self._running = asyncio.create_task(self._run())
        self._preloading = asyncio.create_task(asyncio.to_thread(preload))

    async def stop(self) -> None:
        """Commit what waits, and release the partitions."""
        self._stopping = True
        self._arrived.set()
        for task in (self._running, self._preloading):
            if task is not None:
                await task
        try:
            await self._threaded(self._log.close)
        except CrmOnlineError as error:
            _log.warning("changes that are kept no more stay in the outbox: %s", error)
        self._thread.shutdown()

    def trouble(self) -> str | None:
        """Return nothing: the store's troubles are reported by those who read it."""
        return None

    async def accept(self, events: Sequence[Event], producer: str) -> EventReceipt:
        """Accept events; see :class:`~crm_online.live.ingestion.sinks.EventSink`."""
        if self._stopping:
            raise EventsRefused("the service is being stopped")
        if sum(len(request.sent.events) for request in self._waiting) > _WAITING * self._most:
            raise EventsRefused("more events wait than can be taken at once: send them slower")
        request = _Request(SentEvents(events, producer), asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._arrived.set()
        duplicates = await request.committed
        return EventReceipt(events=len(events), accepted=len(events) - duplicates, duplicates=duplicates, to="engine")

    async def _run(self) -> None:
        """Commit what waits; where nothing does, the work that is left over, and baskets that are closed by then."""
        wait: float | None = None
        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), wait)
            self._arrived.clear()
            if self._waiting:
                await self._commit()
                wait = _IDLE
            elif not self._stopping:
                wait = await self._tick()

    async def _commit(self) -> None:
        """Commit what waits, and then what it has left to do, until more comes."""
        while self._waiting:
            requests = self._next()
            ingest = partial(self._log.ingest, [request.sent for request in requests])
            began = time.perf_counter()
            try:
                outcomes = await self._threaded(ingest)
            except Exception as error:
                for request in requests:
                    _fail(request, error)
                if not isinstance(error, CrmOnlineError):
                    self._log.release()
                continue
            if self._timed:
                self._timed(time.perf_counter() - began)
            for request, outcome in zip(requests, outcomes, strict=True):
                if outcome.far:
                    _fail(request, TooFarAhead(outcome.far))
                elif not request.committed.done():
                    request.committed.set_result(outcome.duplicates)
            await self._drain()

    async def _drain(self) -> None:
        try:
            while not (self._waiting or self._stopping) and await self._threaded(self._log.drain_step):
                pass
        except CrmOnlineError as error:
            _log.warning("the partitions are released until events come: %s", error)

    async def _tick(self) -> float | None:
        try:
            return await self._threaded(self._log.tick)
        except CrmOnlineError as error:
            _log.warning("the partitions are released until events come: %s", error)
            return None

    def _next(self) -> list[_Request]:
        """Return the requests that come next: as many as fit into a step, one at least."""
        requests = [self._waiting.popleft()]
        events = len(requests[0].sent.events)
        while self._waiting and events + len(self._waiting[0].sent.events) <= self._most:
            requests.append(self._waiting.popleft())
            events += len(requests[-1].sent.events)
        return requests

    def _threaded(self, run: Callable[[], _T]) -> Awaitable[_T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, run)


def _fail(request: _Request, error: Exception) -> None:
    """Raise an error where the commit is waited for."""
    if not request.committed.done():
        request.committed.set_exception(error)
