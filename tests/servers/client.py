"""What tests do with a broker: make topics, write and read records, ask for offsets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
    TopicMetadata,
)

from tests.servers.records import SECONDS, Compression, Isolation, Record, Sent, read, write

_LOGGER = logging.getLogger(__name__)


class KafkaClient:
    """A client of the broker at an address; it outlives the broker's ends and starts.

    Parameters
    ----------
    address
        Host and port.
    options
        More of librdkafka's settings, such as those of TLS and SASL.
    """

    def __init__(self, address: str, options: Mapping[str, str] | None = None) -> None:
        self._options: dict[str, Any] = {
            "bootstrap.servers": address,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "logger": _LOGGER,
            **(options or {}),
        }

    def wait_until_ready(self, timeout: float, alive: Callable[[], bool]) -> bool:
        """Wait until a broker answers and every partition has a leader; False once ``alive`` says no."""
        deadline = time.monotonic() + timeout
        while alive():
            try:
                found = self._metadata(1.0)
            except KafkaException:
                found = None
            if found and found.brokers and all(_led(topic) for topic in found.topics.values()):
                return True
            if time.monotonic() > deadline:
                return False
        return False

    def create_topic(self, name: str, partitions: int = 1, **config: str) -> str:
        """Create a topic, wait until it can be used, and return its name.

        Kafka's settings of topics are given with ``_`` for ``.``: ``cleanup_policy="compact"``.
        """
        return self._create(NewTopic(name, partitions, 1, config=_dotted(config)), partitions)

    def create_topic_on(self, nodes: Sequence[int], name: str, **config: str) -> str:
        """Create a topic of which each partition is on one node; see :meth:`create_topic`."""
        placed = [[node] for node in nodes]
        topic = NewTopic(name, len(nodes), replica_assignment=placed, config=_dotted(config))
        return self._create(topic, len(nodes))

    def delete_topic(self, name: str) -> None:
        """Delete a topic and wait until it is gone."""
        self._admin.delete_topics([name])[name].result(SECONDS)
        self._wait(lambda: name not in self.topics(), f"topic {name} is still there")

    def add_partitions(self, name: str, total: int) -> None:
        """Give a topic more partitions, so many in all."""
        self._admin.create_partitions([NewPartitions(name, total)])[name].result(SECONDS)
        self._wait(lambda: self._ready(name, total), f"topic {name} has not got its partitions")

    def delete_records(self, name: str, before: Mapping[int, int]) -> None:
        """Delete the records of some partitions before an offset, as retention does."""
        ends = [TopicPartition(name, partition, offset) for partition, offset in before.items()]
        for done in self._admin.delete_records(ends).values():
            done.result(SECONDS)

    def topics(self, timeout: float = SECONDS) -> dict[str, int]:
        """Return the number of partitions of each topic that is not Kafka's own."""
        found = self._metadata(timeout).topics
        return {name: len(topic.partitions) for name, topic in found.items() if not name.startswith("__")}

    def config(self, name: str) -> dict[str, str | None]:
        """Return the settings in force of a topic."""
        resource = ConfigResource(ResourceType.TOPIC, name)
        entries = self._admin.describe_configs([resource])[resource].result(SECONDS)
        return {option: entry.value for option, entry in entries.items()}

    def set_config(self, name: str, **config: str) -> None:
        """Set some of Kafka's settings of a topic, given as for :meth:`create_topic`."""
        entries = [
            ConfigEntry(option.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for option, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self._admin.incremental_alter_configs([resource])[resource].result(SECONDS)

    def produce(
        self,
        topic: str,
        records: Iterable[Sent],
        *,
        compression: Compression = "none",
        transaction: str | None = None,
        commit: bool = True,
    ) -> list[tuple[int, int]]:
        """Write records, wait until all are acknowledged, and return partition and offset of each.

        They are written once, whatever happens to the broker meanwhile.

        Parameters
        ----------
        topic
            Where to.
        records
            What.
        compression
            How their batches are compressed.
        transaction
            A ``transactional.id``: they are written in one transaction of it.
        commit
            Whether that is committed, or aborted.
        """
        return write(self._options, topic, records, compression, transaction, commit)

    def read(self, topic: str, isolation: Isolation = "read_committed") -> list[Record]:
        """Return all records of a topic as it is now, by partition and offset."""
        return read(self._options, topic, range(self.topics()[topic]), isolation)

    def end_offsets(self, topic: str, isolation: Isolation = "read_committed") -> dict[int, int]:
        """Return the offset behind the last record of each partition; what is in an open transaction is not counted."""
        level = IsolationLevel.READ_COMMITTED if isolation == "read_committed" else IsolationLevel.READ_UNCOMMITTED
        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(self.topics()[topic])}
        answers = self._admin.list_offsets(asked, isolation_level=level)
        return {place.partition: answer.result(SECONDS).offset for place, answer in answers.items()}

    def group_members(self, group: str) -> int:
        """Return how many consumers are in a group."""
        described = self._admin.describe_consumer_groups([group])[group].result(SECONDS)
        return len(described.members)

    def _create(self, topic: NewTopic, partitions: int) -> str:
        self._admin.create_topics([topic])[topic.topic].result(SECONDS)
        self._wait(lambda: self._ready(topic.topic, partitions), f"topic {topic.topic} is not ready")
        return topic.topic

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(self._options)

    def _metadata(self, timeout: float) -> ClusterMetadata:
        return self._admin.list_topics(timeout=timeout)

    def _ready(self, name: str, partitions: int) -> bool:
        topic = self._metadata(SECONDS).topics.get(name)
        return topic is not None and len(topic.partitions) == partitions and _led(topic)

    @staticmethod
    def _wait(reached: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not reached():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.01)


def _led(topic: TopicMetadata) -> bool:
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _dotted(config: Mapping[str, str]) -> dict[str, str]:
    return {option.replace("_", "."): value for option, value in config.items()}
