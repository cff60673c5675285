"""Where a log is read on: what a partition knows of it, and what the broker holds now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from crm_online.pipeline import PartitionPipeline
from crm_online.settings import Settings, load_settings
from crm_online.store import Store, open_store
from streams.connection import client_options
from streams.fetching import GapVerifier
from streams.partition import PartitionProcessor, RecordBatch
from streams.resume import ResumePoint, resolve_resume_offset
from tests.servers.broker import Broker
from tests.servers.client import KafkaClient
from tests.servers.records import Sent

VIEW = {"type": "view", "customer_id": "ann", "time": "2024-01-01T00:00:00Z"}
LOG = [Sent(b"ann", json.dumps(VIEW | {"item": f"i{number}"}).encode(), (), 1000 + number) for number in range(20)]
LATER = [Sent(one.key, one.value, (), (one.timestamp or 0) + 1) for one in LOG]
OTHERS = [Sent(b"bob", json.dumps(VIEW | {"customer_id": "bob"}).encode(), (), one.timestamp) for one in LOG]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "state") as one:
        yield one


@dataclass
class Log:
    """A topic of one partition, and the state of it."""

    client: KafkaClient
    topic: str
    settings: Settings
    store: Store

    def partition(self) -> PartitionProcessor:
        """Claim the partition."""
        return PartitionProcessor(PartitionPipeline(self.store, self.settings, 0, 1), self.topic, self.settings)

    def write(self, *records: Sent, anew: bool = False, transaction: str | None = None) -> None:
        """Write records; to the topic made anew, if asked."""
        if anew:
            self.client.delete_topic(self.topic)
            self.client.create_topic(self.topic)
        self.client.produce(self.topic, records, transaction=transaction)

    def read(self) -> None:
        """Read all that is there."""
        partition = self.partition()
        position = partition.position or 0
        records = [record for record in self.client.read(self.topic) if record.offset >= position]
        partition.step(RecordBatch(position, records[-1].offset + 1, records, 0))

    def forget(self, before: int) -> None:
        """Delete the first records, as retention does."""
        self.client.delete_records(self.topic, {0: before})

    def resume_point(self) -> ResumePoint:
        """Return where the log is read on."""

        async def find() -> ResumePoint:
            kafka = self.settings.kafka
            verifier, consumer = GapVerifier(kafka), AIOKafkaConsumer(**client_options(kafka, "resume"))
            await consumer.start()
            try:
                topic, held = TopicPartition(self.topic, 0), self.partition()
                return await resolve_resume_offset(consumer, verifier, topic, held.position, held.fingerprint)
            finally:
                await consumer.stop()
                await verifier.close()

        return asyncio.run(find())


@pytest.fixture
def log(broker: Broker, prefix: str, store: Store) -> Log:
    settings = load_settings(None, [f"kafka.brokers={broker.address}", f"kafka.prefix={prefix}"], {}).settings
    return Log(broker.client, broker.client.create_topic(f"{prefix}events"), settings, store)


def test_a_log_that_was_never_read_is_read_from_what_it_holds(log: Log) -> None:
    assert log.resume_point() == ResumePoint(0, 0, new=True)
    log.write(*LOG)
    log.forget(5)
    assert log.resume_point() == ResumePoint(5, 20, "begun with what the topic held", new=True)


def test_a_log_that_goes_on_is_read_on_where_it_was_left(log: Log) -> None:
    log.write(*LOG[:4], transaction=f"{log.topic}t")
    log.read()
    assert log.resume_point() == ResumePoint(4, 5)  # after it there is the marker of the transaction
    log.write(*LOG[4:9])
    assert log.resume_point() == ResumePoint(4, 10)
    log.read()
    log.forget(8)
    assert log.resume_point() == ResumePoint(10, 10)
    log.forget(10)  # all that was read, and with it what the log was known by
    assert log.resume_point() == ResumePoint(10, 10)
    log.write(*LOG[9:])
    assert log.resume_point() == ResumePoint(10, 21)


def forgotten(log: Log) -> None:
    log.write(*LOG[10:])
    log.forget(15)


CHANGES: dict[str, tuple[Callable[[Log], None], int, str]] = {
    "retention": (forgotten, 15, "holds offsets 15 to 20, but 10 is next: retention has passed it"),
    "anew and empty": (lambda log: log.write(anew=True), 0, "holds offsets 0 to 0, but 10 is next: the topic was made"),
    "anew with fewer": (lambda log: log.write(*OTHERS[:5], anew=True), 0, "was made anew: at offset 0 is not"),
    "anew with as many": (lambda log: log.write(*OTHERS[:10], anew=True), 0, "was made anew: at offset 9 is not"),
    # The same events, and more of them: only the times at which they came are others.
    "anew with more": (lambda log: log.write(*LATER, anew=True), 0, "was made anew: at offset 9 is not"),
    "anew with a mark": (
        lambda log: log.write(*OTHERS[:9], anew=True, transaction=f"{log.topic}t"),
        0,
        "was made anew: at offset 9 is not",
    ),
    # The same records at the same times: brokers that lost what they had acknowledged. All that is left was counted.
    "cut off": (lambda log: log.write(*LOG[:5], anew=True), 5, "holds offsets 0 to 5, but 10 is next: the end of"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_that_is_not_what_it_was_is_noticed(log: Log, change: str) -> None:
    befall, offset, why = CHANGES[change]
    log.write(*LOG[:10])
    log.read()
    befall(log)
    point = log.resume_point()
    assert (point.offset, point.new) == (offset, False)
    assert point.why is not None
    assert point.why.startswith(f"{log.topic} partition 0 {why}")


def test_what_was_left_out_does_not_come_up_again_and_the_log_is_known_by_what_is_read_from_then_on(log: Log) -> None:
    log.write(*LOG[:10])
    log.read()
    log.forget(10)
    log.write(*LOG[10:])
    log.forget(15)
    point = log.resume_point()
    log.partition().skip(point.offset, point.why or "")
    assert log.resume_point() == ResumePoint(15, 20)
    log.read()
    assert log.resume_point() == ResumePoint(20, 20)
    log.write(*LATER, *LATER, anew=True)
    assert "was made anew: at offset 19 is not" in (log.resume_point().why or "")
