from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition

class NewTopic:
    topic: str
    def __init__(
        self,
        topic: str,
        num_partitions: int,
        replication_factor: int = ...,
        *,
        replica_assignment: Sequence[Sequence[int]] = ...,
        config: Mapping[str, str],
    ) -> None: ...

class NewPartitions:
    def __init__(self, topic: str, new_total_count: int) -> None: ...

class ResourceType(Enum):
    TOPIC = ...

class AlterConfigOpType(Enum):
    SET = ...

class ConfigEntry:
    value: str | None
    def __init__(self, name: str, value: str, *, incremental_operation: AlterConfigOpType) -> None: ...

class ConfigResource:
    def __init__(
        self, restype: ResourceType, name: str, *, incremental_configs: list[ConfigEntry] | None = None
    ) -> None: ...

class OffsetSpec:
    @classmethod
    def latest(cls) -> OffsetSpec: ...

class ListOffsetsResultInfo:
    offset: int

class PartitionMetadata:
    leader: int

class TopicMetadata:
    partitions: dict[int, PartitionMetadata]

class ClusterMetadata:
    brokers: dict[int, object]
    topics: dict[str, TopicMetadata]

class ConsumerGroupDescription:
    members: Sequence[object]

class AdminClient:
    def __init__(self, conf: Mapping[str, Any]) -> None: ...
    def list_topics(self, *, timeout: float) -> ClusterMetadata: ...
    def create_topics(self, new_topics: list[NewTopic]) -> dict[str, Future[None]]: ...
    def delete_topics(self, topics: list[str]) -> dict[str, Future[None]]: ...
    def create_partitions(self, new_partitions: list[NewPartitions]) -> dict[str, Future[None]]: ...
    def delete_records(self, topic_partition_offsets: list[TopicPartition]) -> dict[TopicPartition, Future[object]]: ...
    def describe_configs(
        self, resources: list[ConfigResource]
    ) -> dict[ConfigResource, Future[dict[str, ConfigEntry]]]: ...
    def incremental_alter_configs(self, resources: list[ConfigResource]) -> dict[ConfigResource, Future[None]]: ...
    def list_offsets(
        self, topic_partition_offsets: Mapping[TopicPartition, OffsetSpec], *, isolation_level: IsolationLevel
    ) -> dict[TopicPartition, Future[ListOffsetsResultInfo]]: ...
    def list_consumer_group_offsets(
        self, list_consumer_group_offsets_request: list[ConsumerGroupTopicPartitions]
    ) -> dict[str, Future[ConsumerGroupTopicPartitions]]: ...
    def describe_consumer_groups(self, group_ids: list[str]) -> dict[str, Future[ConsumerGroupDescription]]: ...
