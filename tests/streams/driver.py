"""The whole topology without a broker: records in, changes out, on a real store and by a clock of its own.

It is to this service what ``TopologyTestDriver`` is to Kafka Streams: tests of what a log leads to, in milliseconds.
What only a broker can do (groups, transactions, retention) is not here.

Examples
--------
>>> import tempfile
>>> from crm_online.settings import Settings
>>> from crm_online.step import Topic
>>> with tempfile.TemporaryDirectory() as folder, open_driver(folder, Settings(), partitions=2) as driver:
...     driver.send({"type": "view", "customer_id": "ann", "time": "2024-01-01", "item": "tea"}, key="ann")
...     driver.send(b"no event", key="bob")
...     driver.run()
...     [output.value.decode() for output in driver.read(Topic.REJECTS)]
(0, 0)
(0, 1)
['{"change_id":"0-0-1","reason":"not JSON","field":null,"position":"crm.events:0:1","raw":"no event"}']
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crm_online.pipeline import PartitionGroup, PartitionPipeline
from crm_online.settings import Settings
from crm_online.step import Topic
from crm_online.store import Store, open_store
from streams.commands import events_topic_records
from streams.partition import PartitionProcessor, RecordBatch
from streams.published import OutputRecord, PublishedPosition, output_record
from streams.topics import EVENTS, partition_of, topic_name

BROKER_TIME = 4_000_000_000_000
"""The broker's time of records that are sent without one, in ms: so late that no event is too far ahead of it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record on the events topic."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class TopologyDriver:
    """A worker that holds all partitions, and the topics as lists.

    Parameters
    ----------
    store
        The state.
    settings
        The settings in force; ``replay.partitions`` is the number of partitions.

    Attributes
    ----------
    log
        The events topic, by partition.
    outputs
        The output topics, in the order in which changes were published.
    """

    store: Store
    settings: Settings
    log: dict[int, list[Sent]] = field(default_factory=dict)
    outputs: list[OutputRecord] = field(default_factory=list)
    _partitions: dict[int, PartitionProcessor] = field(default_factory=dict)
    _now: float = 0.0

    def __post_init__(self) -> None:
        """Claim all partitions."""
        self.log = {number: [] for number in range(self.partitions)} | self.log
        self.restart()

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        return self.settings.replay.partitions

    def send(
        self,
        value: bytes | Mapping[str, object] | None,
        key: str | None = None,
        *,
        partition: int | None = None,
        timestamp: int = BROKER_TIME,
        headers: tuple[tuple[str, bytes], ...] = (),
    ) -> tuple[int, int]:
        """Put a record onto the events topic, and return its partition and offset.

        Parameters
        ----------
        value
            Bytes, an event, or nothing.
        key
            The key; without ``partition`` it says where the record goes.
        partition
            Where the record goes; 0 if there is no key either.
        timestamp
            The broker's time, in ms.
        headers
            The headers.
        """
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        number = partition if partition is not None else partition_of(key.encode(), self.partitions) if key else 0
        offset = len(self.log[number])
        self.log[number].append(Sent(offset, key.encode() if key else None, raw, timestamp, headers))
        return number, offset

    def command(self, value: Mapping[str, object], timestamp: int = BROKER_TIME) -> None:
        """Put a command where the commands agent would put it."""
        for record in events_topic_records(json.dumps(value).encode(), timestamp, self.partitions):
            key = record.key.decode() if record.key else None
            self.send(record.value, key, partition=record.partition, timestamp=timestamp, headers=record.headers)

    def run(self, step: int = 2000) -> None:
        """Take every partition to the end of its log, ``step`` records at a time, and publish what changed."""
        for number, partition in self._partitions.items():
            while (begin := partition.position or 0) < len(self.log[number]):
                records = self.log[number][begin : begin + step]
                end = begin + len(records)
                for part in partition.split(RecordBatch(begin, end, records, len(self.log[number]) - end)):
                    while partition.is_due_before(part):
                        partition.tick()
                        self._publish(partition)
                    partition.step(part)
                    self._publish(partition)
        self._settle()

    def advance(self, seconds: float) -> None:
        """Let time pass in which nothing comes."""
        self._now += seconds
        for partition in self._partitions.values():
            if partition.tick_is_due:
                partition.tick()
                self._publish(partition)
        self._settle()

    def restart(self) -> None:
        """Claim all partitions, as a worker does that takes them over: it goes on where state and topics say."""
        for number in range(self.partitions):
            pipeline = PartitionPipeline(self.store, self.settings, number, self.partitions)
            partition = PartitionProcessor(pipeline, self._topic, self.settings, clock=lambda: self._now)
            outputs = [output for output in self.outputs if output.partition == number]
            published = PublishedPosition.of(outputs, partition.last_change)
            self.outputs += [output_record(entry) for entry in partition.resume(published)]
            if (partition.position or 0) == len(self.log[number]):
                partition.reach_end()
            self._partitions[number] = partition

    def read(self, topic: Topic) -> list[OutputRecord]:
        """Return what was published on a topic."""
        return [output for output in self.outputs if output.topic is topic]

    @property
    def _topic(self) -> str:
        return topic_name(self.settings.kafka.prefix, EVENTS)

    def _settle(self) -> None:
        """Do the work that is left over: a new model on one partition is work for the others."""
        group = PartitionGroup([partition.pipeline for partition in self._partitions.values()])
        while busy := [pipeline.partition for pipeline in group.pipelines if group.is_busy(pipeline)]:
            for number in busy:
                self._partitions[number].tick()
                self._publish(self._partitions[number])

    def _publish(self, partition: PartitionProcessor) -> None:
        entries = partition.pipeline.take_outbox()
        self.outputs += [output_record(entry) for entry in entries]
        if entries:
            partition.pipeline.mark_published(entries[-1].sequence)


@contextlib.contextmanager
def open_driver(state: str | os.PathLike[str], settings: Settings, partitions: int = 4) -> Iterator[TopologyDriver]:
    """Open a driver on a state.

    Parameters
    ----------
    state
        A folder or the URL of a Redis.
    settings
        The settings in force.
    partitions
        How many partitions the events topic has.
    """
    replay = settings.replay.model_copy(update={"partitions": partitions})
    settings = settings.model_copy(update={"replay": replay})
    with open_store(state) as store:
        store.initialise(partitions, json.dumps(settings.shaping(), sort_keys=True), "kafka:driver", repeatable=True)
        yield TopologyDriver(store, settings)
