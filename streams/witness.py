"""Offsets without a record: told from lost records by reading them a second time.

A topic that transactions write to has such offsets by right (the marks of commits, and records that were aborted). A
fetch that skipped records looks the same. So where offsets do not follow on, the stretch is read again by a consumer of
its own: what that one finds and the first one did not give was lost on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from crm_online.settings import KafkaSettings
from streams.records import Record
from streams.stretch import open_reader, stretch


class Witness:
    """Reads parts of the log a second time, where that is needed.

    Parameters
    ----------
    kafka
        The settings.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def lost(self, place: TopicPartition, begin: int, end: int, records: Sequence[Record]) -> int | None:
        """Return the first offset from ``begin`` up to ``end`` that has a record which is not among ``records``.

        ``None`` if there is none: what has no record there has none by right.

        Parameters
        ----------
        place
            The partition of the topic.
        begin, end
            Where the records should begin, and how far the fetch has come.
        records
            What it gave of that, in order.

        Raises
        ------
        KafkaError
            If the stretch cannot be read again.
        """
        if len(records) == end - begin:
            return None
        seen = {record.offset for record in records}
        async with self._one_at_a_time:
            async for record in self._read(place, begin, end):
                if record.offset not in seen:
                    return record.offset
        return None

    async def at(self, place: TopicPartition, offset: int) -> Record | None:
        """Return the record at an offset that the log reaches; ``None`` if no committed record is there.

        Raises
        ------
        KafkaError
            If it cannot be read, or the log does not reach from there to there.
        """
        async with self._one_at_a_time:
            async for record in self._read(place, offset, offset + 1):
                return record
        return None

    async def close(self) -> None:
        """Close the connection, if one was needed."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _read(self, place: TopicPartition, begin: int, end: int) -> AsyncIterator[Record]:
        """Yield the committed records from ``begin`` up to ``end``."""
        consumer = await self._opened()
        consumer.assign([place])
        async for record in stretch(consumer, place, begin, end):
            yield record

    async def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = await open_reader(self._kafka, f"{self._kafka.group}-witness")
        return self._consumer
