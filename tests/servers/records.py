"""Records, written and read.

It is librdkafka that does it here, not the client of the code under test: so what the tests see of a transaction does
not hang on how that client sees it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

Isolation = Literal["read_committed", "read_uncommitted"]
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]

SECONDS = 180.0
"""How long anything may take before it fails."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to be written; without timestamp it is written now, without partition where its key belongs."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read; ``timestamp`` in ms."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def header(self) -> dict[str, str]:
        """The headers by name, as text."""
        return {name: value.decode() for name, value in self.headers}


def write(
    options: Mapping[str, Any],
    topic: str,
    records: Iterable[Sent],
    compression: Compression = "none",
    transaction: str | None = None,
    commit: bool = True,
) -> list[tuple[int, int]]:
    """Write records with a producer of some options; see :meth:`tests.servers.client.KafkaClient.produce`."""
    producer = Producer(
        {
            **options,
            "enable.idempotence": True,
            "compression.type": compression,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "message.max.bytes": 8_000_000,
            **({"transactional.id": transaction} if transaction else {}),
        }
    )
    if transaction:
        producer.init_transactions(SECONDS)
        producer.begin_transaction()
    places = _written(producer, topic, records)
    if transaction:
        (producer.commit_transaction if commit else producer.abort_transaction)(SECONDS)
    return places


def read(options: Mapping[str, Any], topic: str, partitions: Iterable[int], isolation: Isolation) -> list[Record]:
    """Return all records that some partitions hold now, by partition and offset."""
    consumer = Consumer(
        {
            **options,
            "group.id": "tests",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # where the first records are deleted
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "fetch.wait.max.ms": 50,
        }
    )
    found: list[Record] = []
    waiting = set(partitions)
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in waiting])
        deadline = time.monotonic() + SECONDS
        while waiting:
            assert time.monotonic() < deadline, f"the end of {topic} is not reached in partitions {waiting}"
            for message in consumer.consume(1000, timeout=0.05):
                problem = message.error()
                if problem is None:
                    found.append(_record(message))
                elif problem.code() == KafkaError._PARTITION_EOF:
                    waiting.discard(message.partition())
                elif not problem.retriable():
                    raise KafkaException(problem)
    finally:
        consumer.close()
    return sorted(found, key=lambda record: (record.partition, record.offset))


def _written(producer: Producer, topic: str, records: Iterable[Sent]) -> list[tuple[int, int]]:
    places: dict[int, tuple[int, int]] = {}
    refused: list[KafkaError] = []

    def acknowledged(number: int, error: KafkaError | None, message: Message) -> None:
        if error is None:
            places[number] = message.partition(), message.offset()
        else:
            refused.append(error)

    for number, record in enumerate(records):
        options: dict[str, int] = {}
        if record.partition is not None:
            options["partition"] = record.partition
        if record.timestamp is not None:
            options["timestamp"] = record.timestamp
        send = partial(
            producer.produce,
            topic,
            record.value,
            record.key,
            on_delivery=partial(acknowledged, number),
            headers=list(record.headers),
            **options,
        )
        while True:
            try:
                send()
            except BufferError:  # the queue is full: acknowledgements must be taken first
                producer.poll(0.1)
            else:
                break
        producer.poll(0)
    left = producer.flush(SECONDS)
    if refused:
        raise KafkaException(refused[0])
    assert not left, f"{left} records were not acknowledged"
    return [places[number] for number in sorted(places)]


def _record(message: Message) -> Record:
    return Record(
        *(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value()),
        headers=tuple(message.headers() or ()),
    )
