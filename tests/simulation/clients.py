"""Kafka's clients as a worker uses them, on the model of a broker: requests take time, and may go wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, ClassVar, Final, Self, TypeVar

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    OffsetOutOfRangeError,
    ProducerFenced,
    RequestTimedOutError,
)

from tests.simulation.broker import Group, ProducerId, SimulatedBroker, StoredRecord
from tests.simulation.faults import Fate, Faults
from tests.simulation.loop import OUTSIDE, SimulatedLoop

T = TypeVar("T")

_AGAIN: Final = 0.1
_TIMEOUT: Final = 1.0
_LOOKED: Final = 0.25
_ANSWERED: Final = 200
"""Records in one answer, at most."""


@dataclass
class Network:
    """Between clients and broker.

    Attributes
    ----------
    broker, group
        What answers.
    loop, faults
        Where time passes, and what goes wrong.
    """

    broker: SimulatedBroker
    group: Group
    loop: SimulatedLoop
    faults: Faults
    names: Iterator[int] = field(default_factory=count)

    async def ask(self, done: Callable[[], T], kind: str | None = None) -> T:
        """Have the broker do something, and give its answer; of which kind it is decides how often that goes wrong.

        Raises
        ------
        KafkaConnectionError, RequestTimedOutError
            If the request, or the answer, is lost.
        """
        fate = self.faults.fate(kind) if kind else Fate.DONE
        await asyncio.sleep(self.faults.delay())
        if self.broker.down or fate is Fate.LOST:
            raise KafkaConnectionError("simulated: the request was lost")
        if fate is Fate.LATE:
            self.loop.call_later(self.faults.late(), _try, done, context=OUTSIDE.copy())
            await asyncio.sleep(_TIMEOUT)
            raise RequestTimedOutError("simulated: no answer yet")
        answer = done()
        await asyncio.sleep(self.faults.delay())
        if fate is Fate.UNANSWERED:
            raise KafkaConnectionError("simulated: the answer was lost")
        return answer

    async def ask_until_answered(self, done: Callable[[], T]) -> T:
        """Have the broker do something as often as it takes."""
        while True:
            try:
                return await self.ask(done, "broker group")
            except (KafkaConnectionError, RequestTimedOutError):
                await asyncio.sleep(_AGAIN)


def _try(done: Callable[[], object]) -> None:
    """Do what was asked so late that nobody waits for it."""
    with contextlib.suppress(ProducerFenced):
        done()


@dataclass
class Position:
    """Where a consumer is in a partition."""

    next: int | None = None
    paused: bool = False
    stable: int | None = None


class SimulatedConsumer:
    """A consumer, of a group if it has one; what the workers use of ``AIOKafkaConsumer``."""

    network: ClassVar[Network]

    def __init__(self, *, group_id: str | None = None, heartbeat_interval_ms: int = 1000, **_: object) -> None:
        self._name = f"member-{next(self.network.names)}"
        self._grouped, self._interval = group_id is not None, heartbeat_interval_ms / 1000
        self._positions: dict[TopicPartition, Position] = {}
        self._listener: ConsumerRebalanceListener | None = None
        self._coordinating: asyncio.Task[None] | None = None
        self._changes_hands = False

    async def start(self) -> None:
        """Connect."""
        await self.network.ask(lambda: None, "broker connection")

    async def stop(self) -> None:
        """Leave the group."""
        if self._coordinating is not None:
            self._coordinating.cancel()
            await asyncio.gather(self._coordinating, return_exceptions=True)
            with contextlib.suppress(KafkaConnectionError):
                await self.network.ask(lambda: self.network.group.leave(self._name, self.network.loop.time()))

    def subscribe(self, topics: Iterable[str], listener: ConsumerRebalanceListener) -> None:
        """Join the group."""
        self._listener = listener
        self._coordinating = asyncio.create_task(self._coordinate())

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions, without a group."""
        self._positions = {partition: Position() for partition in partitions}

    def assignment(self) -> set[TopicPartition]:
        """Return which partitions are ours."""
        return set(self._positions)

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Return the partitions of a topic."""
        return set(range(self.network.broker.topics[topic]))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from an offset on."""
        position = self._position(partition)
        self._positions[partition] = Position(offset, position.paused, position.stable)

    def pause(self, partition: TopicPartition) -> None:
        """Fetch nothing of a partition."""
        self._position(partition).paused = True

    def resume(self, partition: TopicPartition) -> None:
        """Fetch it again."""
        self._position(partition).paused = False

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset that is fetched next; wait until it is known."""
        while (found := self._position(partition).next) is None:
            await asyncio.sleep(_AGAIN)
        return found

    def last_stable_offset(self, partition: TopicPartition) -> int | None:
        """Return where the log ended at the last fetch."""
        return self._position(partition).stable

    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where logs begin."""
        return await self.network.ask(lambda: dict.fromkeys(partitions, 0), "broker offsets")

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where logs end."""
        logs = self.network.broker.logs
        return await self.network.ask(
            lambda: {partition: len(logs[partition].slots) for partition in partitions}, "broker offsets"
        )

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the group's offsets."""
        await self.network.ask(lambda: self.network.broker.offsets.update(offsets), "broker offset commit")

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int = _ANSWERED
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Return the next records, of these partitions or of all; nothing if none come in time.

        Raises
        ------
        OffsetOutOfRangeError
            If a log ends before what is to be read.
        """
        loop = self.network.loop
        until = loop.time() + timeout_ms / 1000
        while True:
            found = await self._fetch(partitions or self._positions.keys(), max_records)
            left = until - loop.time()
            if found or left <= 0:
                return found
            await self.network.broker.wait_for_more(loop, min(_LOOKED, left))  # what was paused may be read again

    async def _fetch(
        self, partitions: Collection[TopicPartition], most: int
    ) -> dict[TopicPartition, list[StoredRecord]]:
        asked = {
            partition: (position, position.next)
            for partition in sorted(partitions)
            if not (position := self._position(partition)).paused and position.next is not None
        }
        await asyncio.sleep(self.network.faults.delay())
        if self.network.broker.down or self._changes_hands:
            return {}
        found: dict[TopicPartition, list[StoredRecord]] = {}
        for partition, (position, begin) in asked.items():
            if self._positions.get(partition) is not position:
                continue  # it went to another member, or is read from elsewhere by now
            records = self._read(partition, position, begin, most)
            if not records:
                continue
            if self._grouped and self.network.faults.happens("fetch skipped"):
                continue  # the position has moved on
            found[partition] = records
        return found

    def _read(self, partition: TopicPartition, position: Position, begin: int, most: int) -> list[StoredRecord]:
        log = self.network.broker.logs[partition]
        if begin > len(log.slots):
            raise OffsetOutOfRangeError({partition: begin})
        records = list(log.committed(begin, begin + most))
        position.next, position.stable = max(begin, min(begin + most, log.stable)), log.stable
        return records

    def _position(self, partition: TopicPartition) -> Position:
        if partition not in self._positions:
            raise IllegalStateError(f"{partition} is not assigned")
        return self._positions[partition]

    async def _coordinate(self) -> None:
        """Join, keep what is given for as long as the group says so, and join again."""
        assert self._listener is not None
        group, loop, ask = self.network.group, self.network.loop, self.network.ask_until_answered
        while True:
            given = None
            while given is None:
                await ask(lambda: self._join(group, loop))
                given = await self._wait_until_given(group, loop)
            offsets = self.network.broker.offsets
            self._positions = {partition: Position(offsets.get(partition)) for partition in sorted(given)}
            self._changes_hands = False
            await self._called(self._listener.on_partitions_assigned(set(given)))
            while await ask(partial(self._beat, group, loop, given)):
                await asyncio.sleep(self._interval)
            self._changes_hands = True
            await self._called(self._listener.on_partitions_revoked(set(self._positions)))

    def _join(self, group: Group, loop: SimulatedLoop) -> None:
        if not group.has_joined(self._name):
            group.join(self._name, loop.time())

    def _beat(self, group: Group, loop: SimulatedLoop, given: frozenset[TopicPartition]) -> bool:
        return group.beat(self._name, given, loop.time())

    async def _wait_until_given(self, group: Group, loop: SimulatedLoop) -> frozenset[TopicPartition] | None:
        while group.knows(self._name):
            given = await self.network.ask_until_answered(lambda: group.given(self._name, loop.time()))
            if given is not None:
                return given
            await asyncio.sleep(_AGAIN)
        return None

    async def _called(self, called: Awaitable[None] | None) -> None:
        if called is not None:
            await called


class SimulatedProducer:
    """A transactional producer; what the workers use of ``AIOKafkaProducer``."""

    network: ClassVar[Network]

    def __init__(self, *, transactional_id: str, **_: object) -> None:
        self._name = transactional_id
        self._id = ProducerId(transactional_id, 0)
        self._unsent: list[tuple[_Message, asyncio.Future[None]]] = []

    async def start(self) -> None:
        """Fence whoever has the name."""
        broker = self.network.broker
        self._id = await self.network.ask(lambda: broker.begin_producer(self._name), "broker producer")

    async def stop(self) -> None:
        """Disconnect."""

    def transaction(self) -> _Transaction:
        """Begin a transaction, and end it behind the block."""
        return _Transaction(self)

    async def send(
        self,
        topic: str,
        *,
        value: bytes | None,
        key: bytes | None,
        partition: int,
        headers: Iterable[tuple[str, bytes]],
    ) -> asyncio.Future[None]:
        """Send a record; the future has the broker's answer."""
        arrived: asyncio.Future[None] = self.network.loop.create_future()
        if not self._unsent:
            self._sending = asyncio.create_task(self._deliver())
        self._unsent.append((_Message(TopicPartition(topic, partition), key, value, tuple(headers)), arrived))
        return arrived

    async def end(self, *, commit: bool) -> None:
        """End the transaction."""
        producer = self._id
        await self.network.ask(
            lambda: self.network.broker.end_transaction(producer, commit=commit), "broker end of transaction"
        )

    async def _deliver(self) -> None:
        await asyncio.sleep(0)
        batch, self._unsent, producer = self._unsent, [], self._id

        def append() -> None:
            for message, _ in batch:
                message.append_to(self.network.broker, producer)

        try:
            await self.network.ask(append, "broker append")
        except Exception as error:
            for _, arrived in batch:
                if not arrived.done():
                    arrived.set_exception(error)
        else:
            for _, arrived in batch:
                if not arrived.done():
                    arrived.set_result(None)


@dataclass(frozen=True, slots=True)
class _Message:
    partition: TopicPartition
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())

    def append_to(self, broker: SimulatedBroker, producer: ProducerId) -> None:
        broker.append(self.partition, self.key, self.value, self.headers, producer=producer)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """As aiokafka's: after an error it is aborted, unless another has fenced us."""

    producer: SimulatedProducer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.producer.end(commit=True)
        elif not isinstance(error, ProducerFenced):
            await self.producer.end(commit=False)


def simulated(of: Any, network: Network) -> Any:
    """Return a client class whose requests go through a network."""
    return type(of.__name__, (of,), {"network": network})
