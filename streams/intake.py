"""The events topic into the channel of the mining agent: what is fetched, and which partitions are ours.

Faust's own way from a topic to an agent takes two tasks a message (some 6,500 a second); this service fetches batches
with a consumer of its own. Kafka's group says which partitions are ours, Redis says where each goes on: the group's
offsets are committed too, but only for the tools that show lag.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError
from mode import Service

from crm_online.errors import BrokerError, FenceError, LogMoved, OwnerLost, Stalled, TopicMisconfigured
from streams.admin import refuse_other_partitions
from streams.connection import client_options
from streams.gaps import Witness
from streams.holdings import Held, Holdings
from streams.logs import partition_log
from streams.partition import Batch, Quiet
from streams.places import find_place
from streams.refusals import broker_errors
from streams.retrying import AWAY, Patience
from streams.topics import EVENTS, topic_name

if TYPE_CHECKING:
    from streams.app import Application

_WAIT_MS: Final = 500
_METADATA_MS: Final = 5_000
_WATCH: Final = 0.1
_OFFSETS: Final = 5.0
_ASK: Final = 1.0
_ANSWER: Final = 3.0
FETCH_BYTES: Final = 4_000_000
_log = logging.getLogger(__name__)


class Intake(Service, ConsumerRebalanceListener):
    """Fetches the events of our partitions, batch by batch.

    Parameters
    ----------
    app
        The application.
    """

    def __init__(self, app: Application, **kwargs: Any) -> None:
        self._app, settings = app, app.settings
        self._kafka, self._worker, self._step = settings.kafka, settings.worker, settings.replay.step
        self._topic = topic_name(self._kafka.prefix, EVENTS)
        self._witness, self._patience = Witness(self._kafka), Patience(app.health, app.metrics)
        self._next: dict[int, int] = {}
        self._passed: dict[int, int] = {}
        self._in_hand: set[int] = set()
        self._claiming: dict[int, asyncio.Task[None]] = {}
        super().__init__(**kwargs)

    async def on_start(self) -> None:
        """Join the group."""
        app = self._app
        self.holdings = app.holdings = Holdings(app.store, app.settings, app.metrics, self._patience, self._lost)
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
        await self._patience.until_done(self._consumer.start, KafkaError, "broker", "joining the group")
        self._consumer.subscribe([self._topic], listener=self)

    async def on_stop(self) -> None:
        """Finish the step under way, publish what waits, and leave the group."""
        for task in self._claiming.values():
            task.cancel()
        await asyncio.gather(*self._claiming.values(), return_exceptions=True)
        await self.holdings.at_rest()
        await self._commit_offsets()
        await self.holdings.finish(self._worker.stop_timeout / 2000)
        await self._witness.close()
        await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Finish the step under way; the fences guard partitions that another worker is given."""
        self._app.metrics.rebalanced()
        for task in self._claiming.values():
            task.cancel()
        await self.holdings.at_rest()
        await self._commit_offsets()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Go on with what is ours still, give up what is not, and claim what is new.

        No heartbeats are sent while this runs, so the claims run beside it.
        """
        if await self._other_partitions():
            return
        numbers = {place.partition for place in assigned}
        for number in numbers:
            self._halt(number)
        for number in self.holdings.held.keys() - numbers:
            await self.holdings.give_up(number)
        self._next = {number: at for number, at in self._next.items() if number in numbers}
        for number in sorted(numbers):
            if number in self.holdings.held:
                self._go_on(number, self.holdings.held[number])
            else:
                self._claim(number)
        self._tell_health()

    async def _other_partitions(self) -> bool:
        """Tell whether the topic has other partitions than the state; if so, the worker ends."""
        there = self._consumer.partitions_for_topic(self._topic)
        if not there:  # deleted: if it comes back, its partitions are assigned anew, and looked at
            return False
        try:
            refuse_other_partitions(len(there), self._app.settings.replay.partitions, self._kafka.prefix)
        except TopicMisconfigured as error:
            await self._app.fail(error)
            return True
        return False

    @Service.task
    async def _fetch(self) -> None:
        """Hand what is fetched to the agent, for as long as the worker runs."""
        while not self.should_stop:
            await self._patience.until_done(self._fetched, KafkaError, "broker", "fetching")

    async def _fetched(self) -> None:
        try:
            found = await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=self._step)
        except OffsetOutOfRangeError as error:
            for place in error.args[0]:
                self._halt(place.partition)
                self._claim(place.partition)
            return
        self._in_hand = {place.partition for place in found}
        for place, records in found.items():
            await self._hand_over(place, records)
        self._in_hand = set()

    async def _hand_over(self, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        """Put the records of one partition onto the channel, if they follow on."""
        number = place.partition
        held, begin = self.holdings.held.get(number), self._next.get(number)
        if held is None or begin is None:
            return
        records = [record for record in records if record.offset >= begin]
        if not records:
            return
        end = records[-1].offset + 1
        if await self._skipped(place, begin, end, records):
            return
        self._next[number] = self._passed[number] = end
        batch = Batch(number, held.claim, begin, end, records, await self._lag(place, end))
        if held.last is None or not held.last.join(batch, self._step):
            held.last, held.queued = batch, held.queued + 1
            await self._app.work.hand_over(batch)

    async def _skipped(
        self, place: TopicPartition, begin: int, end: int, records: Sequence[ConsumerRecord] = ()
    ) -> bool:
        """Tell whether the fetch has skipped records; if so, fetch again from where they follow on."""
        lost = await self._witness.lost(place, begin, end, records)
        if lost is not None:
            number = place.partition
            partition_log(_log, number).warning("the fetch skipped offset %d: it is fetched again", lost)
            self._app.metrics.refused("hole")
            self._halt(number)
            self._go_on(number, self.holdings.held[number])
        return lost is not None

    async def _lag(self, place: TopicPartition, end: int) -> int:
        """Return how many records are behind ``end``; marks of transactions at the log's end are none."""
        last = self._consumer.last_stable_offset(place)
        if last is None or await self._consumer.position(place) >= last:
            return 0
        return max(last - end, 0)

    @Service.task
    async def _ask(self) -> None:
        """Ask the broker for the log's ends: for the lag, and since a consumer does not say that no broker answers."""
        while not self.should_stop:
            await self.sleep(_ASK)
            await self._patience.until_done(self._asked, BrokerError, "broker", "asking for the ends of the log")

    async def _asked(self) -> None:
        if await self._other_partitions():
            return
        places = [TopicPartition(self._topic, number) for number in self._next] or [TopicPartition(self._topic, 0)]
        with broker_errors(self._kafka):
            ends = await asyncio.wait_for(self._consumer.end_offsets(places), _ANSWER)
        for place, end in ends.items():
            held = self.holdings.held.get(place.partition)
            if held is not None:
                # Behind what was fetched last there may be marks of transactions, which are no records.
                marks = self._passed.get(place.partition, 0) - self._next.get(place.partition, 0)
                self._app.metrics.lag(place.partition, max(end - (held.partition.position or 0) - marks, 0))

    @Service.task
    async def _note_offsets(self) -> None:
        while not self.should_stop:
            await self.sleep(_OFFSETS)
            await self._commit_offsets()

    @Service.task
    async def _watch(self) -> None:
        """See to partitions for which nothing comes."""
        while not self.should_stop:
            await self.sleep(_WATCH)
            for number, held in list(self.holdings.held.items()):
                if not held.queued:
                    await self._see_to(number, held)

    @Service.task
    async def _guard(self) -> None:
        """See that no partition stands still; whatever else waits, this does not."""
        while not self.should_stop:
            await self.sleep(_WATCH)
            for number, held in list(self.holdings.held.items()):
                await self._check_progress(number, held)

    async def _see_to(self, number: int, held: Held) -> None:
        place = TopicPartition(self._topic, number)
        if place not in self._consumer.assignment() or number not in self._next:
            return
        position, last = await self._consumer.position(place), self._consumer.last_stable_offset(place)
        if position > self._passed.get(number, 0) and number not in self._in_hand:
            # What was fetched is done, and yet the consumer is further: by marks of transactions, or it skipped some.
            if await self._skipped(place, self._next[number], position):
                return
            self._passed[number] = position
        if last is not None and position >= last:
            held.partition.reach_end()
            held.progressed = time.monotonic()
        if held.partition.tick_is_due or not held.partition.settled:
            held.queued += 1
            await self._app.work.hand_over(Quiet(number, held.claim))

    async def _check_progress(self, number: int, held: Held) -> None:
        """End the worker if a partition has stood still for too long, though nothing is waited for."""
        if not self._app.health.ready:
            held.progressed = time.monotonic()
            return
        # A batch that waits for the steps of other partitions stands still only if these do.
        progressed = max(held.progressed, self.holdings.progressed) if held.queued else held.progressed
        if time.monotonic() - progressed > self._worker.stall / 1000:
            seconds = self._worker.stall / 1000
            await self._app.fail(Stalled(f"partition {number} has made no progress for {seconds:.0f} s"))

    def _claim(self, number: int) -> None:
        # What was fetched under an earlier claim says nothing of where this one goes on.
        self._next.pop(number, None)
        before = self._claiming.pop(number, None)
        if before is not None:
            before.cancel()
        self._claiming[number] = asyncio.create_task(self._claimed(number, before))

    async def _claimed(self, number: int, before: asyncio.Task[None] | None, pause: float = 0.0) -> None:
        """Claim a partition, and fetch from where its state says."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        await asyncio.sleep(pause)
        place = TopicPartition(self._topic, number)
        try:
            if place not in self._consumer.assignment():
                return
            held = await self.holdings.claim(number)
            doing = f"claiming partition {number}"
            await self._patience.until_done(lambda: self._find_place(place, held), KafkaError, "broker", doing)
            partition_log(_log, number).info("claimed, goes on at %d", held.partition.position or 0)
            self._go_on(number, held)
            self._tell_health()
        except (*AWAY, FenceError) as error:
            self._lost(number, error)
        except Exception as error:  # the task has nobody else to tell
            await self._app.fail(error)

    async def _find_place(self, topic_partition: TopicPartition, held: Held) -> None:
        """See that the log still holds the next record, and note whether it holds any."""
        number = topic_partition.partition
        place = await find_place(self._consumer, self._witness, topic_partition, held.partition)
        if place.why is not None:
            if self._kafka.on_gap == "stop" and not place.new:
                raise LogMoved(
                    f"{place.why}; begin a new state with what is to be counted, "
                    "or go on with what the topic holds by kafka.on_gap=skip, which is recorded"
                )
            await self.holdings.skip(number, place.offset, place.why)
            partition_log(_log, number).warning("%s; reads on at %d, and has recorded it", place.why, place.offset)
        if place.offset >= place.end:
            held.partition.reach_end()

    def _go_on(self, number: int, held: Held) -> None:
        """Fetch from where the partition is, or from behind what waits on the channel."""
        place = TopicPartition(self._topic, number)
        try:
            self._next[number] = max(self._next.get(number, 0) if held.queued else 0, held.partition.position or 0)
            self._passed[number] = self._next[number]
            self._consumer.seek(place, self._next[number])
            self._consumer.resume(place)
        except IllegalStateError:
            _log.debug("partition %d went to another worker meanwhile", number)

    def _halt(self, number: int) -> None:
        """Fetch nothing until it is known where: without a position, the group's offset would be taken."""
        place = TopicPartition(self._topic, number)
        try:
            self._consumer.seek(place, self._next.get(number, 0))
            self._consumer.pause(place)
        except IllegalStateError:
            _log.debug("partition %d went to another worker meanwhile", number)

    def _lost(self, number: int, error: Exception) -> None:
        """Claim a partition again that was given up; what cannot be mended so ends the worker."""
        self._halt(number)
        self._next.pop(number, None)
        if isinstance(error, (*AWAY, FenceError)):
            # Whoever owns it now is to keep it: by then the group has told us whether it is ours.
            pause = self._kafka.session_timeout / 2000 if isinstance(error, OwnerLost) else 0.0
            before = self._claiming.pop(number, None)
            self._claiming[number] = asyncio.create_task(self._claimed(number, before, pause))
        else:
            self._failing = asyncio.ensure_future(self._app.fail(error))
        self._tell_health()

    def _tell_health(self) -> None:
        assigned = {place.partition for place in self._consumer.assignment()}
        self._app.health.partitions(assigned=assigned, claimed=self.holdings.held.keys())

    async def _commit_offsets(self) -> None:
        """Commit the group's offsets: nothing hangs on them but the tools that show lag."""
        assigned = self._consumer.assignment()
        places = {
            TopicPartition(self._topic, number): held.partition.position or 0
            for number, held in self.holdings.held.items()
        }
        try:
            # Left to itself, it tries for as long as no broker answers.
            async with asyncio.timeout(_ANSWER):
                await self._consumer.commit({place: at for place, at in places.items() if place in assigned})
        except (KafkaError, IllegalStateError, ValueError, TimeoutError) as error:
            _log.debug("the group's offsets were not committed: %s", error)
