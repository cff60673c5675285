"""Kafka's clients as a worker uses them, on lists in memory: what it fetches comes at once, what it sends arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition

from tests.streams.driver import Sent


class FakeConsumer:
    """A consumer of one partition, whose log is a list."""

    def __init__(self, **_: object) -> None:
        self.log: list[Sent] = []
        self._next, self._paused, self._partition = 0, False, TopicPartition("", 0)
        self._more = asyncio.Event()

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    def subscribe(self, topics: Iterable[str], listener: object) -> None:
        """Be assigned partition 0 of a topic; the listener is not called."""
        (topic,) = topics
        self._partition = TopicPartition(topic, 0)

    def assignment(self) -> set[TopicPartition]:
        return {self._partition}

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def seek(self, _: TopicPartition, offset: int) -> None:
        self._next = offset

    def pause(self, _: TopicPartition) -> None:
        self._paused = True

    def resume(self, _: TopicPartition) -> None:
        self._paused = False
        self._more.set()

    async def position(self, _: TopicPartition) -> int:
        return self._next

    def last_stable_offset(self, _: TopicPartition) -> int:
        return len(self.log)

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, len(self.log))

    async def commit(self, _: object) -> None:
        """Commit the group's offsets."""

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Sent]]:
        """Return the next records; wait until there are some."""
        while self._paused or self._next >= len(self.log):
            self._more.clear()
            await self._more.wait()
        begin, self._next = self._next, min(self._next + max_records, len(self.log))
        return {self._partition: self.log[begin : self._next]}

    def append(self, records: Iterable[Sent]) -> None:
        """Put records onto the topic."""
        self.log += records
        self._more.set()


class FakeProducer:
    """A producer whose records arrive."""

    def __init__(self, **_: object) -> None:
        pass

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Begin and end a transaction."""
        yield

    async def send(self, _: str, **record: Any) -> asyncio.Future[None]:
        """Send a record."""
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived
