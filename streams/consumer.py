"""The events topic into the channel of the mining agent: what is fetched, and which partitions are ours.

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
from streams.connection import client_options
from streams.context import Context
from streams.fetching import FetchPositions
from streams.manager import AssignedPartition, PartitionManager
from streams.partition import Batch
from streams.resume import resolve_resume_offset
from streams.retry import AWAY
from streams.topics import EVENTS, topic_name

_WAIT_MS: Final = 500
_METADATA_MS: Final = 5_000
FETCH_BYTES: Final = 4_000_000
_log = logging.getLogger(__name__)


class EventConsumer(Service, ConsumerRebalanceListener):
    """Fetches the events of our partitions, batch by batch.

    Parameters
    ----------
    context
        What the services of the worker share.
    """

    def __init__(self, context: Context, **kwargs: Any) -> None:
        settings = context.settings
        self._context, self._kafka, self._step = context, settings.kafka, settings.replay.step
        self._topic = topic_name(self._kafka.prefix, EVENTS)
        self.manager = PartitionManager(
            context.store, settings, context.metrics, context.retry, self._lost, self._pause
        )
        self.in_hand: set[int] = set()
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
        self.positions = FetchPositions(self._consumer, self._topic, self._kafka, self._context.metrics)
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
        await self.manager.at_rest()
        await self.positions.commit(self.manager.positions())
        await self.manager.finish(self._context.settings.worker.stop_timeout / 2000)
        await self.positions.verifier.close()
        await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish the step under way; the fences guard partitions that another worker is given."""
        self._context.metrics.rebalanced()
        for task in self._claiming.values():
            task.cancel()
        await self.manager.at_rest()
        await self.positions.commit(self.manager.positions())

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Go on with what is ours still, give up what is not, and claim what is new.

        No heartbeats are sent while this runs, so the claims run beside it.
        """
        if await self.other_partitions():
            return
        numbers = {place.partition for place in assigned}
        for number in numbers:
            self.positions.halt(number)
        await asyncio.gather(*map(self.manager.give_up, self.manager.held.keys() - numbers))
        self.positions.retain(numbers)
        for number in sorted(numbers):
            if number in self.manager.held:
                self._go_on(number, self.manager.held[number])
            else:
                self._claim(number)
        self._tell_health()

    async def other_partitions(self) -> bool:
        """Tell whether the topic has other partitions than the state; if so, the worker ends."""
        there = self._consumer.partitions_for_topic(self._topic)
        if not there:  # deleted: if it comes back, its partitions are assigned anew, and looked at
            return False
        try:
            refuse_other_partitions(len(there), self._context.settings.replay.partitions, self._kafka.prefix)
        except TopicMisconfigured as error:
            await self._context.fail(error)
            return True
        return False

    async def _fetch(self) -> None:
        """Hand what is fetched to the agent, for as long as the worker runs."""
        try:
            while not self.should_stop:
                await self._context.retry.run(self._fetched, KafkaError, "broker", "fetching")
        except Exception as error:  # the task has nobody else to tell
            await self._context.fail(error)

    async def _fetched(self) -> None:
        try:
            found = await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=self._step)
        except OffsetOutOfRangeError as error:
            for place in error.args[0]:
                self.positions.halt(place.partition)
                self._claim(place.partition)
            return
        self.in_hand = {place.partition for place in found}
        for place, records in found.items():
            await self._hand_over(place.partition, records)
        self.in_hand = set()

    async def _hand_over(self, number: int, records: list[ConsumerRecord]) -> None:
        """Put the records of one partition onto the channel, if they follow on."""
        held = self.manager.held.get(number)
        following = await self.positions.contiguous(number, records) if held else None
        if held is None or following is None:
            return
        begin, fresh = following
        end = fresh[-1].offset + 1
        batch = Batch(number, held.claim, begin, end, fresh, await self.positions.lag(number, end))
        if held.last is None or not held.last.join(batch, self._step):
            held.last, held.queued = batch, held.queued + 1
            await self._context.hand_over(batch)

    def _claim(self, number: int, pause: float = 0.0) -> None:
        """Claim a partition, after a pause; none any more once the worker is about to stop."""
        if self.should_stop:
            return
        # What was fetched under an earlier claim says nothing of where this one goes on.
        self.positions.forget(number)
        before = self._claiming.pop(number, None)
        if before is not None and before is not asyncio.current_task():
            before.cancel()
        self._claiming[number] = asyncio.create_task(self._claimed(number, before, pause))

    async def _claimed(self, number: int, before: asyncio.Task[None] | None, pause: float) -> None:
        """Claim a partition, and fetch from where its state says."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await asyncio.sleep(pause)
        try:
            if number not in self.positions.assigned():
                return
            held = await self.manager.claim(number)
            doing = f"claiming partition {number}"
            find = self._context.retry.run
            await find(lambda: self._resolve_resume_offset(number, held), KafkaError, "broker", doing)
            partition_log(_log, number).info("claimed, goes on at %d", held.partition.position or 0)
            self._go_on(number, held)
            self._tell_health()
        except (*AWAY, FenceError) as error:
            self._lost(number, error)
        except Exception as error:  # the task has nobody else to tell
            await self._context.fail(error)

    async def _resolve_resume_offset(self, number: int, held: AssignedPartition) -> None:
        """See that the log still holds the next record, and note whether it holds any."""
        place = await resolve_resume_offset(
            self._consumer,
            self.positions.verifier,
            self.positions.topic_partition(number),
            held.partition.position,
            held.partition.fingerprint,
        )
        if place.why is not None:
            if self._kafka.on_gap == "stop" and not place.new:
                raise LogMoved(
                    f"{place.why}; begin a new state with what is to be counted, "
                    "or go on with what the topic holds by kafka.on_gap=skip, which is recorded"
                )
            await self.manager.skip(number, place.offset, place.why)
            partition_log(_log, number).warning("%s; reads on at %d, and has recorded it", place.why, place.offset)
        if place.offset >= place.end:
            held.partition.reach_end()

    def _go_on(self, number: int, held: AssignedPartition) -> None:
        """Fetch from where the partition is, or from behind what waits on the channel."""
        waiting = self.positions.next_offset(number) if held.queued else None
        self.positions.fetch_from(number, max(waiting or 0, held.partition.position or 0))

    def _lost(self, number: int, error: Exception) -> None:
        """Claim a partition again that was given up; what cannot be mended so ends the worker."""
        self.positions.halt(number)
        if isinstance(error, (*AWAY, FenceError)):
            # Whoever owns it now is to keep it: by then the group has told us whether it is ours.
            self._claim(number, self._kafka.session_timeout / 2000 if isinstance(error, OwnerLost) else 0.0)
        else:
            self.positions.forget(number)
            self._failing = asyncio.ensure_future(self._context.fail(error))
        self._tell_health()

    def _pause(self, number: int, wait: bool) -> None:
        """Pause or resume the fetching of a partition, whose changes wait to be published."""
        if wait:
            self.positions.pause(number)
        else:
            self.positions.resume(number)

    def _tell_health(self) -> None:
        self._context.health.partitions(assigned=self.positions.assigned(), claimed=self.manager.held.keys())
