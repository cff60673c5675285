"""Fetches the events topic: which partitions are ours, from which offset, and records for their steps.

Faust's own way from a topic to an agent takes two tasks a message (some 6,500 a second); this service fetches batches
with a consumer of its own. Kafka's group says which partitions are ours, Redis says where each goes on: the group's
offsets are committed too, but only for the tools that show lag.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from mode import Service

from crm_online.errors import FenceError, LogMoved, OwnerLost, TopicMisconfigured
from crm_online.logs import partition_log
from streams.admin import refuse_other_partitions
from streams.assigned import AssignedPartition
from streams.connection import client_options
from streams.context import STORE_OUTAGES, WorkerContext
from streams.fetching import FetchPositions
from streams.manager import PartitionManager
from streams.partition import RecordBatch
from streams.resume import resolve_resume_offset
from streams.topics import EVENTS, topic_name

_WAIT_MS: Final = 500
_METADATA_MS: Final = 5_000
FETCH_BYTES: Final = 4_000_000
_log = logging.getLogger(__name__)


class EventConsumer(Service, ConsumerRebalanceListener):
    """Fetches the events of our partitions, and queues them for their steps.

    Parameters
    ----------
    context
        What the services of the worker share.

    Attributes
    ----------
    manager
        The partitions that are claimed.
    fetch_positions
        The offsets that are fetched next.
    """

    def __init__(self, context: WorkerContext, **kwargs: Any) -> None:
        self._context, self._kafka = context, context.settings.kafka
        self._topic = topic_name(self._kafka.prefix, EVENTS)
        self.manager = PartitionManager(context, self)
        self._enqueuing: set[int] = set()
        self._claiming: dict[int, asyncio.Task[None]] = {}
        self._fetching: asyncio.Task[None] | None = None
        super().__init__(**kwargs)

    async def on_start(self) -> None:
        """Join the group."""
        self._consumer = AIOKafkaConsumer(
            **client_options(self._kafka, self._kafka.group),
            group_id=self._kafka.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=self._kafka.session_timeout,
            heartbeat_interval_ms=max(self._kafka.session_timeout // 3, 1),
            max_partition_fetch_bytes=FETCH_BYTES,
            # New partitions must be seen before producers send them anything: theirs is 5 minutes by default.
            metadata_max_age_ms=_METADATA_MS,
        )
        self.fetch_positions = FetchPositions(self._consumer, self._topic, self._kafka, self._context.metrics)
        await self._context.retry.run(self._consumer.start, KafkaError, "broker", "joining the group")
        self._consumer.subscribe([self._topic], listener=self)
        self._fetching = asyncio.create_task(self._fetch())

    async def on_stop(self) -> None:
        """Finish the step under way, publish what waits, and leave the group."""
        # The fetching before its consumer: one that waits for the broker would try again on a consumer that is gone.
        tasks = [*self._claiming.values(), *([self._fetching] if self._fetching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.manager.wait_for_step()
        await self.commit_offsets()
        await self.manager.finish(self._context.settings.worker.stop_timeout / 2000)
        await self.fetch_positions.verifier.close()
        await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish the step under way; the fences guard partitions that another worker is given."""
        self._context.metrics.rebalanced()
        for task in self._claiming.values():
            task.cancel()
        await self.manager.wait_for_step()
        await self.commit_offsets()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Keep the partitions that stay assigned, release those that do not, and claim the new ones.

        No heartbeats are sent while this runs, so the claims are tasks of their own.
        """
        if await self.fail_on_other_partitions():
            return
        numbers = {partition.partition for partition in assigned}
        for number in numbers:
            self.fetch_positions.halt(number)
        await asyncio.gather(*map(self.manager.release, self.manager.assigned.keys() - numbers))
        self.fetch_positions.retain(numbers)
        for number in sorted(numbers):
            if number in self.manager.assigned:
                self._fetch_on(self.manager.assigned[number])
            else:
                self._claim(number)
        self._update_health()

    def on_partition_released(self, number: int, error: Exception) -> None:
        """Claim a partition again that was released; what cannot be mended so ends the worker."""
        self.fetch_positions.halt(number)
        if isinstance(error, (*STORE_OUTAGES, FenceError)):
            # Whoever owns it now is to keep it: by then the group has assigned it, to us or to another.
            self._claim(number, self._kafka.session_timeout / 2000 if isinstance(error, OwnerLost) else 0.0)
        else:
            self.fetch_positions.forget(number)
            self._failing = asyncio.ensure_future(self._context.fail(error))
        self._update_health()

    def on_partition_throttled(self, number: int, throttled: bool) -> None:
        """Fetch nothing of a partition while its changes wait to be published."""
        if throttled:
            self.fetch_positions.pause(number)
        else:
            self.fetch_positions.resume(number)

    async def fail_on_other_partitions(self) -> bool:
        """End the worker if the topic has not as many partitions as the state; return whether that was done."""
        there = self._consumer.partitions_for_topic(self._topic)
        if not there:  # deleted: if it comes back, its partitions are assigned anew, and looked at
            return False
        try:
            refuse_other_partitions(len(there), self._context.settings.replay.partitions, self._kafka.prefix)
        except TopicMisconfigured as error:
            await self._context.fail(error)
            return True
        return False

    def has_enqueued_all(self, number: int) -> bool:
        """Whether all that was fetched of a partition of ours was queued for its step."""
        return (
            number in self.fetch_positions.assigned()
            and number not in self._enqueuing
            and self.fetch_positions.next_offset(number) is not None
        )

    async def commit_offsets(self) -> None:
        """Commit the group's offsets: those up to which steps are committed."""
        await self.fetch_positions.commit(self.manager.positions)

    async def _fetch(self) -> None:
        """Queue what is fetched, for as long as the worker runs."""
        try:
            while not self.should_stop:
                await self._context.retry.run(self._fetch_once, KafkaError, "broker", "fetching")
        except Exception as error:  # nobody awaits this task
            await self._context.fail(error)

    async def _fetch_once(self) -> None:
        try:
            fetched = await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=self._context.settings.replay.step)
        except OffsetOutOfRangeError as error:
            for partition in error.args[0]:
                self.fetch_positions.halt(partition.partition)
                self._claim(partition.partition)
            return
        self._enqueuing = {partition.partition for partition in fetched}
        for partition, records in fetched.items():
            await self._enqueue(partition.partition, records)
        self._enqueuing = set()

    async def _enqueue(self, number: int, records: list[ConsumerRecord]) -> None:
        """Queue the records of one partition, if they follow on."""
        assigned = self.manager.assigned.get(number)
        contiguous = await self.fetch_positions.accept_contiguous(number, records) if assigned else None
        if assigned is None or contiguous is None:
            return
        begin, fresh = contiguous
        end = fresh[-1].offset + 1
        await assigned.enqueue(RecordBatch(begin, end, fresh, await self.fetch_positions.lag(number, end)))

    def _claim(self, number: int, pause: float = 0.0) -> None:
        """Claim a partition, after a pause; none any more once the worker is about to stop."""
        if self.should_stop:
            return
        # What was fetched under an earlier claim says nothing of where this one goes on.
        self.fetch_positions.forget(number)
        before = self._claiming.pop(number, None)
        if before is not None and before is not asyncio.current_task():
            before.cancel()
        self._claiming[number] = asyncio.create_task(self._run_claim(number, before, pause))

    async def _run_claim(self, number: int, before: asyncio.Task[None] | None, pause: float) -> None:
        """Claim a partition, and fetch from where its state says."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await asyncio.sleep(pause)
        try:
            if number not in self.fetch_positions.assigned():
                return
            assigned = await self.manager.claim(number)
            await self._context.retry.run(
                lambda: self._resolve_resume_offset(assigned), KafkaError, "broker", f"claiming partition {number}"
            )
            partition_log(_log, number).info("claimed, goes on at %d", assigned.position)
            self._fetch_on(assigned)
            self._update_health()
        except (*STORE_OUTAGES, FenceError) as error:
            self.on_partition_released(number, error)
        except Exception as error:  # nobody awaits this task
            await self._context.fail(error)

    async def _resolve_resume_offset(self, assigned: AssignedPartition) -> None:
        """See that the log still holds the next record, and note whether it holds any."""
        processor, number = assigned.processor, assigned.number
        point = await resolve_resume_offset(
            self._consumer,
            self.fetch_positions.verifier,
            self.fetch_positions.topic_partition(number),
            processor.position,
            processor.fingerprint,
        )
        if point.why is not None:
            if self._kafka.on_gap == "stop" and not point.new:
                raise LogMoved(
                    f"{point.why}; begin a new state with what is to be counted, "
                    "or go on with what the topic holds by kafka.on_gap=skip, which is recorded"
                )
            await assigned.skip(point.offset, point.why)
            partition_log(_log, number).warning("%s; reads on at %d, and has recorded it", point.why, point.offset)
        if point.offset >= point.end:
            processor.reach_end()

    def _fetch_on(self, assigned: AssignedPartition) -> None:
        """Fetch from where the partition is, or from after the records that wait for their step."""
        queued = None if assigned.has_processed_all else self.fetch_positions.next_offset(assigned.number)
        self.fetch_positions.fetch_from(assigned.number, max(queued or 0, assigned.position))

    def _update_health(self) -> None:
        self._context.health.partitions(assigned=self.fetch_positions.assigned(), claimed=self.manager.assigned.keys())
