"""Where the log of each of our partitions is read, and whether what was fetched follows on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from crm_online.logs import partition_log
from crm_online.settings import KafkaSettings
from streams.metrics import Metrics
from streams.witness import Witness

_ANSWER: Final = 3.0
_log = logging.getLogger(__name__)


class Reading:
    """The places in the log that the consumer reads, by partition.

    Parameters
    ----------
    consumer
        The consumer of the group.
    topic
        The events topic.
    kafka
        The settings.
    metrics
        Where holes are counted.
    """

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, kafka: KafkaSettings, metrics: Metrics) -> None:
        self._consumer, self._topic, self._metrics = consumer, topic, metrics
        self.witness = Witness(kafka)
        self._next: dict[int, int] = {}
        self._passed: dict[int, int] = {}

    def place(self, number: int) -> TopicPartition:
        """Return a partition of the topic."""
        return TopicPartition(self._topic, number)

    def assigned(self) -> set[int]:
        """Return which partitions the group has given us."""
        return {place.partition for place in self._consumer.assignment()}

    def next(self, number: int) -> int | None:
        """Return the offset of the record that is handed over next; ``None`` until that is known."""
        return self._next.get(number)

    def halt(self, number: int) -> None:
        """Fetch nothing until it is known where: without a position, the group's offset would be taken."""
        try:
            self._consumer.seek(self.place(number), self._next.get(number, 0))
            self._consumer.pause(self.place(number))
        except IllegalStateError:
            _log.debug("partition %d went to another worker meanwhile", number)

    def go_on(self, number: int, at: int) -> None:
        """Fetch from an offset on."""
        self._next[number] = self._passed[number] = at
        try:
            self._consumer.seek(self.place(number), at)
            self._consumer.resume(self.place(number))
        except IllegalStateError:
            _log.debug("partition %d went to another worker meanwhile", number)

    def pause(self, number: int) -> None:
        """Fetch nothing for a while; what was fetched already may still come."""
        with suppress(IllegalStateError):  # it went to another worker meanwhile
            self._consumer.pause(self.place(number))

    def resume(self, number: int) -> None:
        """Fetch again from where the partition was paused."""
        with suppress(IllegalStateError):  # it went to another worker meanwhile
            self._consumer.resume(self.place(number))

    def forget(self, number: int) -> None:
        """Forget where a partition is read: the next claim will say."""
        self._next.pop(number, None)

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all but these partitions."""
        self._next = {number: at for number, at in self._next.items() if number in numbers}

    async def follow_on(
        self, number: int, records: Sequence[ConsumerRecord]
    ) -> tuple[int, list[ConsumerRecord]] | None:
        """Return where the records that follow on begin, and these records; ``None`` if there are none.

        If some were skipped, they are fetched again.
        """
        begin = self._next.get(number)
        if begin is None:
            return None
        fresh = [record for record in records if record.offset >= begin]
        if not fresh or await self._skipped(number, begin, fresh[-1].offset + 1, fresh):
            return None
        self._next[number] = self._passed[number] = fresh[-1].offset + 1
        return begin, fresh

    async def pass_marks(self, number: int) -> bool:
        """Follow the consumer past marks of transactions; return whether the log's end is reached.

        Only where all that was fetched is done. If the consumer has skipped records, they are fetched again.
        """
        position, last = await self._position(number), self._consumer.last_stable_offset(self.place(number))
        if position > self._passed.get(number, 0):
            if await self._skipped(number, self._next[number], position):
                return False
            self._passed[number] = position
        return last is not None and position >= last

    async def lag(self, number: int, end: int) -> int:
        """Return how many records are behind ``end``, as of the last fetch."""
        last = self._consumer.last_stable_offset(self.place(number))
        if last is None or await self._position(number) >= last:
            return 0
        return max(last - end, 0)

    async def lags(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Ask the broker how many records are behind positions; marks of transactions at the log's end are none."""
        places = [self.place(number) for number in self._next] or [self.place(0)]
        ends = await asyncio.wait_for(self._consumer.end_offsets(places), _ANSWER)
        found = {}
        for number, position in positions.items():
            end = ends.get(self.place(number))
            if end is not None:
                marks = self._passed.get(number, 0) - self._next.get(number, 0)
                found[number] = max(end - position - marks, 0)
        return found

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Commit the group's offsets: nothing hangs on them but the tools that show lag."""
        assigned = self.assigned()
        try:
            # Left to itself, it tries for as long as no broker answers.
            async with asyncio.timeout(_ANSWER):
                await self._consumer.commit(
                    {self.place(number): at for number, at in positions.items() if number in assigned}
                )
        except (KafkaError, IllegalStateError, ValueError, TimeoutError) as error:
            _log.debug("the group's offsets were not committed: %s", error)

    async def _position(self, number: int) -> int:
        return await self._consumer.position(self.place(number))

    async def _skipped(self, number: int, begin: int, end: int, records: Sequence[ConsumerRecord] = ()) -> bool:
        """Tell whether the fetch has skipped records; if so, fetch again from where they follow on."""
        lost = await self.witness.lost(self.place(number), begin, end, records)
        if lost is not None:
            partition_log(_log, number).warning("the fetch skipped offset %d: it is fetched again", lost)
            self._metrics.refused("hole")
            self.go_on(number, begin)
        return lost is not None
