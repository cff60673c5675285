"""A model of Kafka's broker: logs with transactions, fenced producers, and a group that rebalances eagerly.

What the real one does that the workers lean on, and no more; ``test_model.py`` holds it against the real one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

Headers = tuple[tuple[str, bytes], ...]

REBALANCE_SECONDS: Final = 3.0
"""How long a rebalance waits for members to join again."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as consumers of the model get it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class ProducerId:
    """Who writes, and as which of those who ever had the name."""

    name: str
    epoch: int


@dataclass
class Log:
    """One partition: a slot is a record, or ``None`` for the marker that ends a transaction."""

    slots: list[StoredRecord | None] = field(default_factory=list)
    open: dict[str, list[int]] = field(default_factory=dict)
    aborted: set[int] = field(default_factory=set)

    @property
    def stable(self) -> int:
        """The offset up to which the outcome of all transactions is known."""
        return min((offsets[0] for offsets in self.open.values()), default=len(self.slots))

    def committed(self, begin: int, end: int) -> Iterator[StoredRecord]:
        """Yield what readers of committed records get between two offsets."""
        for slot in self.slots[begin : min(end, self.stable)]:
            if slot is not None and slot.offset not in self.aborted:
                yield slot


class SimulatedBroker:
    """Logs and a group, changed by one request at a time.

    Parameters
    ----------
    topics
        How many partitions each topic has.

    Attributes
    ----------
    down
        Whether no request is answered.
    """

    def __init__(self, topics: dict[str, int]) -> None:
        self.topics, self.down = topics, False
        self.logs = {TopicPartition(topic, number): Log() for topic, count in topics.items() for number in range(count)}
        self.offsets: dict[TopicPartition, int] = {}
        self._epochs: defaultdict[str, int] = defaultdict(int)
        self._waiting: list[asyncio.Future[None]] = []

    def append(
        self,
        partition: TopicPartition,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp: int = 0,
        producer: ProducerId | None = None,
    ) -> None:
        """Add a record, to the transaction of a producer if there is one.

        Raises
        ------
        ProducerFenced
            If another has the producer's name by now.
        """
        log = self.logs[partition]
        offset = len(log.slots)
        if producer is not None:
            self._refuse_fenced(producer)
            log.open.setdefault(producer.name, []).append(offset)
        log.slots.append(StoredRecord(partition.topic, partition.partition, offset, timestamp, key, value, headers))
        self._wake()

    async def wait_for_more(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Wait until any log goes on, at most so long."""
        more = loop.create_future()
        self._waiting.append(more)
        timer = loop.call_later(seconds, _settle, more)
        try:
            await more
        finally:
            timer.cancel()

    def begin_producer(self, name: str) -> ProducerId:
        """Fence whoever had the name, and abort what they left open."""
        self._epochs[name] += 1
        self._end(name, commit=False)
        return ProducerId(name, self._epochs[name])

    def end_transaction(self, producer: ProducerId, *, commit: bool) -> None:
        """End the transaction of a producer.

        Raises
        ------
        ProducerFenced
            If another has the producer's name by now.
        """
        self._refuse_fenced(producer)
        self._end(producer.name, commit=commit)

    def _end(self, name: str, *, commit: bool) -> None:
        for log in self.logs.values():
            offsets = log.open.pop(name, None)
            if offsets is not None:
                log.slots.append(None)
                if not commit:
                    log.aborted.update(offsets)
                self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for more in waiting:
            _settle(more)

    def has_fenced(self, producer: ProducerId) -> bool:
        """Whether another has a producer's name by now."""
        return producer.epoch != self._epochs[producer.name]

    def _refuse_fenced(self, producer: ProducerId) -> None:
        if self.has_fenced(producer):
            raise ProducerFenced


def _settle(more: asyncio.Future[None]) -> None:
    if not more.done():
        more.set_result(None)


@dataclass
class Member:
    """One member of the group."""

    heard: float
    joined: bool = True
    given: frozenset[TopicPartition] | None = None


class Group:
    """Who of a group has which partitions of a topic.

    Parameters
    ----------
    partitions
        What is shared out.
    session
        Seconds after which a silent member is taken for dead.
    """

    def __init__(self, partitions: Sequence[TopicPartition], session: float) -> None:
        self._partitions, self._session = partitions, session
        self._members: dict[str, Member] = {}
        self._since: float | None = None

    def join(self, name: str, now: float) -> None:
        """Let a member take part in the next sharing out, and have all others do so too."""
        self._begin(now)
        self._members[name] = Member(now)

    def given(self, name: str, now: float) -> frozenset[TopicPartition] | None:
        """Return what a member that has joined is given; ``None`` as long as others are waited for."""
        self._look(now)
        member = self._members.get(name)
        if member is not None:
            member.heard = now
        return None if member is None or self._since is not None else member.given

    def beat(self, name: str, given: frozenset[TopicPartition], now: float) -> bool:
        """Note a heartbeat; return whether the member keeps what it has.

        A request to join that comes late may make a member take part in a rebalance that it knows nothing of: by what
        it has that is seen, as by the number of its generation in Kafka.
        """
        self._look(now)
        member = self._members.get(name)
        if member is None:
            return False
        member.heard = now
        return self._since is None and member.given == given

    def knows(self, name: str) -> bool:
        """Return whether a member is one still."""
        return name in self._members

    def has_joined(self, name: str) -> bool:
        """Return whether a member takes part in the rebalance that is under way."""
        member = self._members.get(name)
        return member is not None and member.joined

    def leave(self, name: str, now: float) -> None:
        """Let a member go."""
        if self._members.pop(name, None) is not None:
            self._begin(now)

    def _begin(self, now: float) -> None:
        """Begin a rebalance, unless one is under way: all members must join again."""
        if self._since is None:
            self._since = now
            for member in self._members.values():
                member.joined = False

    def _look(self, now: float) -> None:
        """Drop the dead, and share out once all have joined or were waited for long enough."""
        dead = [name for name, member in self._members.items() if now - member.heard > self._session]
        for name in dead:
            del self._members[name]
        if dead:
            self._begin(now)
        if self._since is None:
            return
        if now - self._since > REBALANCE_SECONDS:
            self._members = {name: member for name, member in self._members.items() if member.joined}
        if self._members and all(member.joined for member in self._members.values()):
            names = sorted(self._members)
            for at, name in enumerate(names):
                self._members[name].given = frozenset(self._partitions[at :: len(names)])
            self._since = None
