from collections.abc import Iterator, Sequence

class DefaultRecord:
    offset: int
    timestamp: int

class DefaultRecordBatch:
    base_offset: int
    next_offset: int
    producer_id: int
    max_timestamp: int
    timestamp_type: int
    compression_type: int
    is_control_batch: bool
    is_transactional: bool
    def __init__(self, buffer: bytes) -> None: ...
    def validate_crc(self) -> bool: ...
    def __iter__(self) -> Iterator[DefaultRecord]: ...

class DefaultRecordBatchBuilder:
    def __init__(
        self,
        magic: int,
        compression_type: int,
        is_transactional: int,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        batch_size: int,
    ) -> None: ...
    def append(
        self, offset: int, timestamp: int, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> object: ...
    def build(self) -> bytearray: ...
