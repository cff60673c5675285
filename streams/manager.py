"""The partitions that this worker has claimed.

Redis alone says where a partition goes on: whatever goes wrong with one, it is released, claimed again, and its log
read from the position that the claim found.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

from crm_online.errors import StoreError
from crm_online.logs import partition_log
from crm_online.pipeline import PartitionPipeline
from streams.assigned import AssignedPartition
from streams.context import STORE_OUTAGES, WorkerContext
from streams.partition import PartitionProcessor
from streams.topics import EVENTS, topic_name

_CLOSE_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)


class PartitionListener(Protocol):
    """Fetches the records of the partitions: the consumer, which must know when to stop."""

    def on_partition_released(self, number: int, error: Exception) -> None:
        """Handle the release of a partition, caused by ``error``; an error that is not ours is a bug."""

    def on_partition_throttled(self, number: int, throttled: bool) -> None:
        """Stop fetching a partition while too many of its changes wait to be published, or fetch it again."""


class PartitionManager:
    """Claims partitions and releases them.

    Parameters
    ----------
    context
        What the services of the worker share.
    listener
        Fetches their records.

    Attributes
    ----------
    assigned
        The claimed partitions, by number.
    """

    def __init__(self, context: WorkerContext, listener: PartitionListener) -> None:
        self._context, self._listener, self._turn = context, listener, context.turn
        self._background: set[asyncio.Task[None]] = set()
        self.assigned: dict[int, AssignedPartition] = {}

    @property
    def progressed(self) -> float:
        """When any of them last made progress, in seconds of the monotonic clock."""
        return self._turn.progressed

    @property
    def positions(self) -> dict[int, int]:
        """The offset of the next record of each partition."""
        return {number: assigned.position for number, assigned in self.assigned.items()}

    async def claim(self, number: int) -> AssignedPartition:
        """Claim a partition: from now on, whoever had it can neither commit nor publish.

        Raises
        ------
        CrmOnlineError
            If the state cannot be used; a store or a broker that does not answer is waited for.
        """
        await self.release(number)
        processor = await self._context.retry.run(
            partial(asyncio.to_thread, self._processor, number),
            STORE_OUTAGES,
            "store",
            f"claiming partition {number}",
        )
        throttle = partial(self._listener.on_partition_throttled, number)
        assigned = AssignedPartition(processor, self._context, throttle, self._release_failed)
        await assigned.open()
        self.assigned[number] = assigned
        self._context.metrics.claimed(number)
        return assigned

    async def wait_for_step(self) -> None:
        """Wait until no step is under way."""
        await self._turn.wait_for_step()

    async def release(self, number: int) -> None:
        """Release a partition, if it is claimed; what is in its outbox is published by whoever claims it next."""
        if number in self.assigned:
            await self._wait_for(self._close(number))

    async def finish(self, seconds: float) -> None:
        """Publish what waits, for at most so long, and release all partitions."""
        self._turn.stopped = True  # records that wait are read again by whoever claims their partition next
        published = [assigned.publisher.wait_for_backlog(0) for assigned in self.assigned.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*published), seconds)
        except TimeoutError:
            _log.warning("changes are left in the outbox: whoever holds their partitions next publishes them")
        await self.wait_for_step()
        for assigned in self.assigned.values():
            with suppress(StoreError):  # what was published stays in the outbox, and is known again by its id
                await asyncio.to_thread(assigned.processor.pipeline.close)
        await asyncio.gather(*map(self.release, list(self.assigned)))
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _close(self, number: int) -> asyncio.Task[None]:
        self._context.metrics.released(number)
        return self._keep(self.assigned.pop(number).close())

    async def _wait_for(self, closing: asyncio.Task[None]) -> None:
        # No heartbeats are sent while a rebalance waits for this, and a transaction whose records find no leader ends
        # only when they expire; whoever claims the partition shuts it out before.
        await asyncio.wait([closing], timeout=_CLOSE_SECONDS)

    def _release_failed(self, assigned: AssignedPartition, error: Exception) -> None:
        """Release a partition that can step or publish no more, unless it was released meanwhile."""
        if self.assigned.get(assigned.number) is assigned:
            partition_log(_log, assigned.number).warning("released: %s", error)
            self._keep(asyncio.create_task(self._report(assigned.number, error, self._close(assigned.number))))

    async def _report(self, number: int, error: Exception, closing: asyncio.Task[None]) -> None:
        await self._wait_for(closing)
        self._listener.on_partition_released(number, error)

    def _keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Hold a task until it is done: the event loop alone would let it be collected."""
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def _processor(self, number: int) -> PartitionProcessor:
        settings = self._context.settings
        pipeline = PartitionPipeline(self._context.store, settings, number, settings.replay.partitions)
        return PartitionProcessor(pipeline, topic_name(settings.kafka.prefix, EVENTS), settings, time.monotonic)
