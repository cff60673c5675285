"""Where a key goes: as all of Kafka's own clients place it."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """Return where Kafka's producers put a key by default: murmur2 of its bytes, without the sign.

    Examples
    --------
    >>> partition_of(b"ann", 4)
    2
    """
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
