"""Which offset of each partition is fetched next, and whether the records that were fetched are all that the log has.

A topic that transactions write to has offsets without a record by right: the markers of commits, and records that were
aborted. A fetch that skipped records looks the same. So where offsets do not follow on, that range is read again by a
consumer of its own: a record that the second read has and the first has not was lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from crm_online.logs import partition_log
from crm_online.settings import KafkaSettings
from streams.connection import client_options
from streams.metrics import WorkerMetrics
from streams.records import Record

_ANSWER: Final = 3.0
_WAIT_MS: Final = 200
_log = logging.getLogger(__name__)


class FetchPositions:
    """The next offset of each partition that the consumer fetches.

    Parameters
    ----------
    consumer
        The consumer of the group.
    topic
        The events topic.
    kafka
        The settings.
    metrics
        Where refetches are counted.
    """

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, kafka: KafkaSettings, metrics: WorkerMetrics) -> None:
        self._consumer, self._topic, self._metrics = consumer, topic, metrics
        self.verifier = GapVerifier(kafka)
        self._next: dict[int, int] = {}
        self._after_markers: dict[int, int] = {}

    def topic_partition(self, number: int) -> TopicPartition:
        """Return a partition of the topic."""
        return TopicPartition(self._topic, number)

    def assigned(self) -> set[int]:
        """Return which partitions the group has given us."""
        return {partition.partition for partition in self._consumer.assignment()}

    def next_offset(self, number: int) -> int | None:
        """Return the offset of the record that is enqueued next; ``None`` until that is known."""
        return self._next.get(number)

    def halt(self, number: int) -> None:
        """Fetch nothing until it is known where: without a position, the group's offset would be used."""
        self._seek(number, self._next.get(number, 0))
        self.pause(number)

    def fetch_from(self, number: int, offset: int) -> None:
        """Fetch from an offset on."""
        self._next[number] = self._after_markers[number] = offset
        self._seek(number, offset)
        self.resume(number)

    def pause(self, number: int) -> None:
        """Fetch nothing for a while; what was fetched already may still come."""
        with suppress(IllegalStateError):  # it went to another worker meanwhile
            self._consumer.pause(self.topic_partition(number))

    def resume(self, number: int) -> None:
        """Fetch again from where the partition was paused."""
        with suppress(IllegalStateError):  # it went to another worker meanwhile
            self._consumer.resume(self.topic_partition(number))

    def forget(self, number: int) -> None:
        """Forget the next offset of a partition: its next claim finds it."""
        self._next.pop(number, None)

    def retain(self, numbers: Collection[int]) -> None:
        """Forget all but these partitions."""
        self._next = {number: offset for number, offset in self._next.items() if number in numbers}

    async def accept_contiguous(
        self, number: int, records: Sequence[ConsumerRecord]
    ) -> tuple[int, list[ConsumerRecord]] | None:
        """Advance by the contiguous records; return their first offset and them, or ``None`` if there are none.

        If some were skipped, they are fetched again.
        """
        begin = self._next.get(number)
        if begin is None:
            return None
        fresh = [record for record in records if record.offset >= begin]
        if not fresh or await self._skipped(number, begin, fresh[-1].offset + 1, fresh):
            return None
        self._next[number] = self._after_markers[number] = fresh[-1].offset + 1
        return begin, fresh

    async def skip_transaction_markers(self, number: int) -> bool:
        """Follow the consumer past markers of transactions; return whether the log's end is reached.

        Only where all that was fetched is committed. If the consumer has skipped records, they are fetched again.
        """
        position = await self._position(number)
        last = self._consumer.last_stable_offset(self.topic_partition(number))
        if position > self._after_markers.get(number, 0):
            if await self._skipped(number, self._next[number], position):
                return False
            self._after_markers[number] = position
        return last is not None and position >= last

    async def lag(self, number: int, end: int) -> int:
        """Return how many records come after ``end``, as of the last fetch."""
        last = self._consumer.last_stable_offset(self.topic_partition(number))
        if last is None or await self._position(number) >= last:
            return 0
        return max(last - end, 0)

    async def lags(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Ask the broker how many records come after positions; markers of transactions at the log's end are none."""
        known = [self.topic_partition(number) for number in self._next] or [self.topic_partition(0)]
        ends = await asyncio.wait_for(self._consumer.end_offsets(known), _ANSWER)
        lags = {}
        for number, position in positions.items():
            end = ends.get(self.topic_partition(number))
            if end is not None:
                markers = self._after_markers.get(number, 0) - self._next.get(number, 0)
                lags[number] = max(end - position - markers, 0)
        return lags

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Commit the group's offsets: nothing hangs on them but the tools that show lag."""
        assigned = self.assigned()
        offsets = {self.topic_partition(number): at for number, at in positions.items() if number in assigned}
        try:
            # Left to itself, it tries for as long as no broker answers.
            async with asyncio.timeout(_ANSWER):
                await self._consumer.commit(offsets)
        except (KafkaError, IllegalStateError, ValueError, TimeoutError) as error:
            _log.debug("the group's offsets were not committed: %s", error)

    def _seek(self, number: int, offset: int) -> None:
        with suppress(IllegalStateError):  # it went to another worker meanwhile
            self._consumer.seek(self.topic_partition(number), offset)

    async def _position(self, number: int) -> int:
        return await self._consumer.position(self.topic_partition(number))

    async def _skipped(self, number: int, begin: int, end: int, records: Sequence[ConsumerRecord] = ()) -> bool:
        """Tell whether the fetch has skipped records; if so, fetch again from where they follow on."""
        lost = await self.verifier.first_lost(self.topic_partition(number), begin, end, records)
        if lost is not None:
            partition_log(_log, number).warning("the fetch skipped offset %d: it is fetched again", lost)
            self._metrics.refetched()
            self.fetch_from(number, begin)
        return lost is not None


class GapVerifier:
    """Reads ranges of the log a second time, where offsets do not follow on.

    Parameters
    ----------
    kafka
        The settings.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def first_lost(
        self, partition: TopicPartition, begin: int, end: int, records: Sequence[Record]
    ) -> int | None:
        """Return the first offset from ``begin`` up to ``end`` that has a record which is not among ``records``.

        ``None`` if there is none: what has no record there has none by right.

        Parameters
        ----------
        partition
            The partition of the topic.
        begin, end
            Where the records should begin, and how far the fetch has come.
        records
            What it gave of that, in order.

        Raises
        ------
        KafkaError
            If the range cannot be read again.
        """
        if len(records) == end - begin:
            return None
        seen = {record.offset for record in records}
        async with self._one_at_a_time:
            async for record in self._read(partition, begin, end):
                if record.offset not in seen:
                    return record.offset
        return None

    async def record_at(self, partition: TopicPartition, offset: int) -> Record | None:
        """Return the record at an offset that the log reaches; ``None`` if no committed record is there.

        Raises
        ------
        KafkaError
            If it cannot be read, or the log does not reach from there to there.
        """
        async with self._one_at_a_time:
            async for record in self._read(partition, offset, offset + 1):
                return record
        return None

    async def close(self) -> None:
        """Close the connection, if one was needed."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self, partition: TopicPartition, begin: int, end: int) -> AsyncIterator[Record]:
        """Yield the committed records from ``begin`` up to ``end``."""
        if self._consumer is None:
            self._consumer = await open_range_consumer(self._kafka, f"{self._kafka.group}-verifier")
        self._consumer.assign([partition])
        async for record in read_range(self._consumer, partition, begin, end):
            yield record


async def open_range_consumer(kafka: KafkaSettings, client_id: str) -> AIOKafkaConsumer:
    """Connect a consumer without a group that reads committed records only, for :func:`read_range`; not to be shared.

    Raises
    ------
    KafkaError
        If no broker lets us in.
    """
    consumer = AIOKafkaConsumer(
        **client_options(kafka, client_id),
        isolation_level="read_committed",
        auto_offset_reset="none",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer


async def read_range(
    consumer: AIOKafkaConsumer, partition: TopicPartition, begin: int, end: int
) -> AsyncIterator[ConsumerRecord]:
    """Yield the committed records from ``begin`` up to ``end``; the last offsets may be markers of transactions.

    Parameters
    ----------
    consumer
        A consumer that is assigned this partition and no other: one that is assigned none knows nothing of topics.
    partition
        The partition.
    begin, end
        The first offset, and the one after the last.

    Raises
    ------
    KafkaError
        If the log cannot be read, or does not reach from there to there.
    """
    consumer.seek(partition, begin)
    while await consumer.position(partition) < end:
        for record in (await consumer.getmany(partition, timeout_ms=_WAIT_MS)).get(partition, []):
            if record.offset < end:
                yield record
