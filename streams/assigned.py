"""One partition that this worker has claimed: the records that wait for their step, its steps, its publisher."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from aiokafka.errors import KafkaError

from crm_online.errors import FenceError, HoleInLog, OwnerLost, PositionMoved
from crm_online.logs import partition_log
from crm_online.step import Step
from streams.context import STORE_OUTAGES, WorkerContext
from streams.metrics import StepFailure, StepReport
from streams.partition import PartitionProcessor, RecordBatch
from streams.publisher import Publisher

_TICKS_AT_A_TIME: Final = 20
_FAILURES: Final[dict[type[Exception], StepFailure]] = {
    OwnerLost: "owner",
    PositionMoved: "position",
    HoleInLog: "hole",
}
_log = logging.getLogger(__name__)


class AssignedPartition:
    """A claimed partition; what it computes is done in threads, so that heartbeats go on meanwhile.

    Parameters
    ----------
    processor
        Its state.
    context
        What the services of the worker share.
    throttle
        Pauses (True) the fetching of it while its changes wait to be published, and resumes it.
    on_failed
        Called with the error by which it can step or publish no more; an error that is not ours is a bug.

    Attributes
    ----------
    closed
        Whether it was released.
    progressed
        When it last made progress, in seconds of the monotonic clock.
    """

    def __init__(
        self,
        processor: PartitionProcessor,
        context: WorkerContext,
        throttle: Callable[[bool], None],
        on_failed: Callable[[AssignedPartition, Exception], None],
    ) -> None:
        self.processor, self.number = processor, processor.number
        self._context, self._turn = context, context.turn
        self._throttle, self._on_failed = throttle, on_failed
        self.closed = False
        self.progressed = time.monotonic()
        self.publisher = Publisher(
            self.number,
            context.settings.kafka,
            self._note_published,
            partial(asyncio.to_thread, processor.pipeline.holds_claim),
            context.metrics,
            context.retry,
        )
        self._publishing: asyncio.Task[None] | None = None
        self._waiting_for_publisher: asyncio.Task[None] | None = None
        self._waiting: deque[RecordBatch] = deque()
        self._tick_waits = self._is_stepping = False

    async def open(self) -> None:
        """Begin to publish where the changes on the topics end; if the state was put back since, begin a new epoch."""
        last_change = self.processor.last_change
        doing = f"claiming partition {self.number}"
        try:
            published = await self._context.retry.run(
                lambda: self.publisher.open(last_change), KafkaError, "broker", doing
            )
            if published.divergence is not None:
                partition_log(_log, self.number).warning(
                    "changes up to %s are published, but the state ends at %s: it was put back, a new epoch begins",
                    published.last,
                    last_change,
                )
            self.publisher.enqueue(await asyncio.to_thread(self.processor.resume, published))
        except BaseException:
            await self.publisher.close()
            raise
        self._publishing = asyncio.create_task(self.publisher.run())
        self._publishing.add_done_callback(self._publishing_ended)

    @property
    def position(self) -> int:
        """Offset of the next record that is committed."""
        return self.processor.position or 0

    @property
    def has_processed_all(self) -> bool:
        """Whether nothing waits for its step, and none is under way."""
        return not (self._waiting or self._tick_waits or self._is_stepping)

    @property
    def waits_for_others(self) -> bool:
        """Whether records or a tick wait for their step and could have it: the publisher does not hold them back."""
        return bool(self._waiting or self._tick_waits) and not self.is_throttled

    @property
    def is_throttled(self) -> bool:
        """Whether its steps wait until fewer of its changes are unpublished."""
        return self._waiting_for_publisher is not None and not self._waiting_for_publisher.done()

    async def enqueue(self, batch: RecordBatch) -> None:
        """Let records wait for their step; they join those that wait already, if that makes no step too large."""
        if not (self._waiting and self._waiting[-1].join(batch, self._context.settings.replay.step)):
            self._waiting.append(batch)
            await self._turn.enqueue(self)

    async def enqueue_tick(self) -> None:
        """Let a tick wait for its step, if time goes on with the clock, or work is left over."""
        if self.processor.tick_is_due or not self.processor.is_idle:
            self._tick_waits = True
            await self._turn.enqueue(self)

    def reach_end(self) -> None:
        """Note that the log holds nothing more."""
        self.processor.reach_end()
        self.note_progress()

    def note_progress(self) -> None:
        """Note that it has made progress, or waits for what is being waited for."""
        self.progressed = time.monotonic()

    async def process(self) -> None:
        """Step through what has waited longest, when it is this partition's turn; once closed, do nothing.

        Where too many of its changes are unpublished, the records go on waiting until fewer are, and a tick is left
        out: what holds one partition back holds no other back.

        Raises
        ------
        CrmOnlineError
            If the state is broken.
        """
        async with self._turn.lock:
            tick, self._tick_waits = self._tick_waits, False
            if self.closed or self._turn.stopped:
                return
            if self.publisher.backlog > self._context.settings.worker.outbox:
                if self._waiting:
                    self._wait_for_publisher()
                return  # a tick is due again as long as it was not done
            self._is_stepping = True
            try:
                if self._waiting:
                    await self._step_through(self._waiting.popleft())
                elif tick:
                    await self._commit(self.processor.tick)
                await self._finish_left_over()
            except (*STORE_OUTAGES, FenceError) as error:
                self._context.metrics.step_failed(_FAILURES.get(type(error), "store"))
                self._on_failed(self, error)
            finally:
                self._is_stepping = False

    async def skip(self, to: int, why: str) -> None:
        """Leave a part of the log out; see :meth:`PartitionProcessor.skip`."""
        async with self._turn.lock:
            await self._commit(partial(self.processor.skip, to, why))

    def close(self) -> asyncio.Task[None]:
        """Neither step nor publish any more; return the task that closes the connections."""
        self.closed = True
        if self._publishing is not None:
            self._publishing.cancel()
        self.publisher.end()
        return asyncio.create_task(self._close())

    def _wait_for_publisher(self) -> None:
        """Fetch nothing more until what waits is done."""
        self._throttle(True)
        if not self.is_throttled:
            self._waiting_for_publisher = asyncio.create_task(self._process_as_published())

    async def _process_as_published(self) -> None:
        """Do what waits, whenever few enough changes are unpublished, and then fetch again."""
        try:
            while True:
                await self.publisher.wait_for_backlog(self._context.settings.worker.outbox)
                if self.closed or self._turn.stopped or self.publisher.ended:
                    return
                if not self._waiting:
                    break
                await self.process()
        except Exception as error:  # nobody awaits this task
            self._on_failed(self, error)
        else:
            self._throttle(False)

    async def _step_through(self, batch: RecordBatch) -> None:
        """Commit a batch; where an old log is caught up with, what falls due between its records is done in time."""
        for part in await asyncio.to_thread(self.processor.split, batch):
            while not self.closed and self.processor.is_due_before(part):
                await self._commit(self.processor.tick, 0, part.lag + len(part.records))
            if self.closed:
                return
            await self._commit(partial(self.processor.step, part), len(part.records), part.lag)

    async def _finish_left_over(self) -> None:
        """Do work that is left over, unless something waits."""
        for _ in range(_TICKS_AT_A_TIME):
            if self.closed or self.processor.is_idle or self._waiting or self._tick_waits:
                return
            await self._commit(self.processor.tick)

    async def _commit(self, step: Callable[[], Step], records: int = 0, lag: int = 0) -> None:
        pipeline = self.processor.pipeline
        began = time.perf_counter()
        committed = await asyncio.to_thread(step)
        seconds = time.perf_counter() - began
        self.note_progress()
        self._turn.progressed = self.progressed
        self._context.health.committed(pipeline.commit_seconds)
        if self.closed:
            return  # whoever claims it next publishes; its gauges are gone, and are not to come back
        self.publisher.enqueue(pipeline.take_outbox())
        self._context.metrics.stages(pipeline.stages.take())
        report = pipeline.engine.report()
        self._context.metrics.step(
            StepReport(
                partition=self.number,
                step_records=records,
                events=committed.counts.accepted,
                rejects=committed.counts.rejected,
                duplicates=committed.counts.duplicates,
                step_seconds=seconds - pipeline.commit_seconds,
                commit_seconds=pipeline.commit_seconds,
                position=committed.end,
                lag=lag,
                outbox_length=self.publisher.backlog,
                watermark_seconds=None if report.watermark is None else report.watermark / 1000,
                epsilon=report.epsilon,
                customers=report.customers,
            )
        )
        if report.model is not None:
            self._context.metrics.segments(report.model.J, report.model.version, report.model.sizes)

    def _note_published(self, sequence: int) -> None:
        self.processor.pipeline.mark_published(sequence)
        self.note_progress()

    def _publishing_ended(self, publishing: asyncio.Task[None]) -> None:
        """Note that the publisher has ended: by itself it does so only with an error."""
        error = None if publishing.cancelled() else publishing.exception()
        if isinstance(error, Exception):
            self._on_failed(self, error)

    async def _close(self) -> None:
        """Let the transaction under way be aborted, and close the connections."""
        try:
            if self._publishing is not None:
                await asyncio.wait([self._publishing])
        finally:
            if self._publishing is not None:
                self._publishing.cancel()
            await self.publisher.close()
