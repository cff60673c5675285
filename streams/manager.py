"""The partitions that this worker holds: claimed, stepped through, published, given up.

Redis alone says where a partition goes on: whatever goes wrong with one, it is given up, claimed again, and its log
read from the position that the claim found.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final, TypeVar

from aiokafka.errors import KafkaError

from crm_online.errors import FenceError, HoleInLog, OwnerLost, PositionMoved, StoreError
from crm_online.flow import PartitionFlow
from crm_online.logs import partition_log
from crm_online.settings import Settings
from crm_online.step import Step
from crm_online.store import Store
from streams.metrics import Refusal, StepReport, WorkerMetrics
from streams.partition import Batch, PartitionProcessor, Quiet
from streams.publisher import Publisher
from streams.retry import AWAY, RetryPolicy
from streams.topics import EVENTS, topic_name

T = TypeVar("T")
_THREADS: Final = 4
_LEFT_OVER: Final = 20
_END_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class AssignedPartition:
    """One partition that this worker holds.

    Attributes
    ----------
    claim
        The number of the claim under which it is held.
    partition, publisher
        Its state, and where its changes go.
    publishing
        The task that publishes.
    progressed
        When it last made progress, in seconds of the monotonic clock.
    queued
        How many of its batches wait for their step.
    last
        The last of these; ``None`` if none waits.
    deferred
        Those of them that wait for its publisher too: more of its changes are unpublished than ``worker.outbox``.
    resuming
        The task that does these, as the publisher goes on.
    """

    claim: int
    partition: PartitionProcessor
    publisher: Publisher
    publishing: asyncio.Task[None]
    progressed: float = field(default_factory=time.monotonic)
    queued: int = 0
    last: Batch | None = None
    deferred: deque[Batch] = field(default_factory=deque)
    resuming: asyncio.Task[None] | None = None


class PartitionManager:
    """All partitions that this worker holds.

    Parameters
    ----------
    store
        The state.
    settings
        The settings in force; ``replay.partitions`` is the number of partitions of the events topic.
    metrics
        Where it tells how it does.
    retry
        Waits for store and broker.
    lost
        PublishedPosition which partition was given up because of what; an error that is not ours is a bug.
    pause
        Pauses (True) the fetching of a partition whose changes wait to be published, and resumes it.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        metrics: WorkerMetrics,
        retry: RetryPolicy,
        lost: Callable[[int, Exception], None],
        pause: Callable[[int, bool], None],
    ) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self._lost, self._pause, self._retry = lost, pause, retry
        self._topic = topic_name(settings.kafka.prefix, EVENTS)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="step")
        self._claims = count(1)
        self._stepping = asyncio.Lock()
        self._background: set[asyncio.Future[None]] = set()
        self._finishing = False
        self.progressed = time.monotonic()
        """When any of them last made progress."""
        self.held: dict[int, AssignedPartition] = {}

    async def claim(self, number: int) -> AssignedPartition:
        """Claim a partition: from now on, whoever had it can neither commit nor publish.

        Raises
        ------
        CrmOnlineError
            If the state cannot be used; a store or a broker that is away is waited for.
        """
        await self.give_up(number)
        doing = f"claiming partition {number}"
        partition = await self._retry.run(lambda: self._threaded(lambda: self._partition(number)), AWAY, "store", doing)

        def published(sequence: int) -> None:
            partition.flow.published(sequence)
            held = self.held.get(number)
            if held is not None and held.partition is partition:
                held.progressed = time.monotonic()

        publisher = Publisher(
            number,
            self._settings.kafka,
            published,
            lambda: self._threaded(partition.flow.owned),
            self._metrics,
            self._retry,
        )
        try:
            await self._open(partition, publisher, doing)
        except BaseException:
            await publisher.close()
            raise
        held = AssignedPartition(next(self._claims), partition, publisher, asyncio.create_task(publisher.run()))
        held.publishing.add_done_callback(lambda task: self._ended(number, held, task))
        self.held[number] = held
        self._metrics.claimed(number)
        return held

    async def step(self, work: Batch | Quiet) -> None:
        """Do one piece of work; of a claim that is over, nothing is done.

        Where too many changes of the partition wait to be published, a batch is deferred until fewer do, and a tick
        is left out: what holds one partition back holds no other back.

        Raises
        ------
        CrmOnlineError
            If the state is broken.
        """
        async with self._stepping:
            held = self.held.get(work.partition)
            if held is None or held.claim != work.claim or self._finishing:
                return
            if isinstance(work, Batch) and self._must_wait(held, work):
                self._defer(held, work)
                return
            if isinstance(work, Batch) and held.deferred:
                held.deferred.popleft()
            held.queued -= 1
            if held.last is work:
                held.last = None
            if isinstance(work, Quiet) and self._is_full(held):
                return  # it is due again as long as it was not done
            try:
                if isinstance(work, Batch):
                    await self._live_through(held, work)
                else:
                    await self._commit(held, held.partition.tick, 0, 0)
                for _ in range(_LEFT_OVER):
                    if held.partition.settled or held.queued:
                        break
                    await self._commit(held, held.partition.tick, 0, 0)
            except (*AWAY, FenceError) as error:
                self._metrics.refused(_refusal(error))
                await self._lose(work.partition, held, error)

    async def _live_through(self, held: AssignedPartition, batch: Batch) -> None:
        """Commit a batch; an old log that is caught up with is lived through, not leapt through."""
        partition = held.partition
        for part in await self._threaded(partial(partition.parts, batch)):
            while self.held.get(partition.number) is held and partition.goes_on(part):
                await self._commit(held, partition.tick, 0, part.lag + len(part.records))
            if self.held.get(partition.number) is not held:
                return
            await self._commit(held, partial(partition.take, part), len(part.records), part.lag)

    async def skip(self, number: int, to: int, why: str) -> None:
        """Leave a part of a partition's log out; see :meth:`PartitionProcessor.skip`."""
        async with self._stepping:
            held = self.held[number]
            await self._commit(held, lambda: held.partition.skip(to, why), 0, 0)

    def positions(self) -> dict[int, int]:
        """Return the offset of the next record of each partition that is held."""
        return {number: held.partition.position or 0 for number, held in self.held.items()}

    async def at_rest(self) -> None:
        """Wait until no step is under way."""
        async with self._stepping:
            pass

    async def give_up(self, number: int) -> None:
        """Hold a partition no more; what is in its outbox is published by who holds it next."""
        held = self.held.pop(number, None)
        if held is None:
            return
        self._metrics.dropped(number)
        held.publishing.cancel()
        held.publisher.end()
        ending = asyncio.ensure_future(_end(held))
        self._background.add(ending)
        ending.add_done_callback(self._background.discard)
        # No heartbeats are sent while a rebalance waits for this, and a transaction whose records find no leader ends
        # only when they expire; whoever claims the partition shuts it out before.
        await asyncio.wait([ending], timeout=_END_SECONDS)

    async def finish(self, seconds: float) -> None:
        """Publish what waits, for at most so long, and give all partitions up."""
        self._finishing = True  # what is left on the channel, or deferred, is read again by who holds it next
        drained = [held.publisher.shrink(0) for held in self.held.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*drained), seconds)
        except TimeoutError:
            _log.warning("changes are left in the outbox: whoever holds their partitions next publishes them")
        async with self._stepping:
            for held in self.held.values():
                with suppress(StoreError):  # what was published stays in the outbox, and is known again by its id
                    await self._threaded(held.partition.flow.close)
            await asyncio.gather(*map(self.give_up, list(self.held)))
        for left in list(self._background):
            left.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        self._threads.shutdown()

    def _is_full(self, held: AssignedPartition) -> bool:
        return held.publisher.backlog > self._settings.worker.outbox

    def _must_wait(self, held: AssignedPartition, batch: Batch) -> bool:
        """Tell whether a batch must wait for the publisher, or for those before it that do."""
        return self._is_full(held) or (bool(held.deferred) and held.deferred[0] is not batch)

    def _defer(self, held: AssignedPartition, batch: Batch) -> None:
        """Let a batch wait for its partition's publisher, and fetch nothing more meanwhile."""
        if not (held.deferred and held.deferred[0] is batch):
            held.deferred.append(batch)
        self._pause(held.partition.number, True)
        if held.resuming is None or held.resuming.done():
            held.resuming = asyncio.create_task(self._resume(held.partition.number, held))

    async def _resume(self, number: int, held: AssignedPartition) -> None:
        """Do what was deferred, whenever few enough changes are unpublished, and then fetch again."""
        try:
            while True:
                await held.publisher.shrink(self._settings.worker.outbox)
                if held.publisher.ended or self._finishing or self.held.get(number) is not held:
                    return
                if not held.deferred:
                    break
                await self.step(held.deferred[0])
        except Exception as error:  # the task has nobody else to tell
            self._lost(number, error)
        else:
            self._pause(number, False)

    async def _open(self, partition: PartitionProcessor, publisher: Publisher, doing: str) -> None:
        """Let the publisher go on where consumers were told last; tell them if the state was put back since."""
        known = partition.known
        told = await self._retry.run(lambda: publisher.open(known), KafkaError, "broker", doing)
        if told.heard is not None:
            partition_log(_log, partition.number).warning(
                "consumers were told changes up to %s, but the state ends at %s: it was put back, a new epoch begins",
                told.last,
                known,
            )
        publisher.offer(await self._threaded(lambda: partition.resume(told)))

    async def _commit(self, held: AssignedPartition, run: Callable[[], Step], records: int, lag: int) -> None:
        state = held.partition.flow.engine.state
        before = (state.accepted, state.rejected, state.duplicates)
        began = time.perf_counter()
        step = await self._threaded(run)
        seconds = time.perf_counter() - began
        held.progressed = self.progressed = time.monotonic()
        self._retry.took(held.partition.flow.commit_seconds)
        if self.held.get(step.partition) is not held:
            return  # given up meanwhile: who holds it next publishes; its gauges are gone, and are not to come back
        held.publisher.offer(held.partition.flow.take())
        accepted, rejected, duplicates = (
            now - then for now, then in zip((state.accepted, state.rejected, state.duplicates), before, strict=True)
        )
        self._metrics.step(
            StepReport(
                step.partition,
                records,
                accepted,
                rejected,
                duplicates,
                seconds - held.partition.flow.commit_seconds,
                held.partition.flow.commit_seconds,
                step.end,
                lag,
                held.publisher.backlog,
                None if state.watermark is None else state.watermark / 1000,
                held.partition.flow.engine.mining.counters.achieved_epsilon,
                state.customers,
            )
        )
        figures = held.partition.flow.engine.figures
        if figures is not None:
            self._metrics.segments(figures.J, figures.version, figures.sizes)

    async def _lose(self, number: int, held: AssignedPartition, error: Exception) -> None:
        partition_log(_log, number).warning("given up: %s", error)
        if self.held.get(number) is held:
            await self.give_up(number)
        self._lost(number, error)

    def _ended(self, number: int, held: AssignedPartition, task: asyncio.Task[None]) -> None:
        """Give a partition up whose publisher has ended: by itself it does so only with an error."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and self.held.get(number) is held:
            losing = asyncio.ensure_future(self._lose(number, held, error))
            self._background.add(losing)
            losing.add_done_callback(self._background.discard)

    def _partition(self, number: int) -> PartitionProcessor:
        flow = PartitionFlow(self._store, self._settings, number, self._settings.replay.partitions)
        return PartitionProcessor(flow, self._topic, self._settings)

    def _threaded(self, run: Callable[[], T]) -> Awaitable[T]:
        """Run in a thread, so that heartbeats go on meanwhile."""
        return asyncio.get_running_loop().run_in_executor(self._threads, run)


async def _end(held: AssignedPartition) -> None:
    """Let the transaction under way be aborted, and close the connections."""
    try:
        await asyncio.wait([held.publishing])
    finally:
        held.publishing.cancel()
        await held.publisher.close()


def _refusal(error: Exception) -> Refusal:
    match error:
        case OwnerLost():
            return "owner"
        case PositionMoved():
            return "position"
        case HoleInLog():
            return "hole"
        case _:
            return "store"
