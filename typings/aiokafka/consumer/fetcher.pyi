from collections.abc import Iterator, Sequence
from typing import Protocol

from aiokafka import ConsumerRecord, TopicPartition

class _Records(Protocol):
    def has_next(self) -> bool: ...

MemoryRecords: type

class PartitionRecords:
    next_fetch_offset: int
    def __init__(
        self,
        tp: TopicPartition,
        records: _Records,
        aborted_transactions: Sequence[tuple[int, int]],
        fetch_offset: int,
        key_deserializer: None,
        value_deserializer: None,
        check_crcs: bool,
        isolation_level: int,
    ) -> None: ...
    def __iter__(self) -> Iterator[ConsumerRecord]: ...
