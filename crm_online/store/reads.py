"""Reads of one key of one partition, as data: so that many go to Redis in one pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from crm_online.store import replies
from crm_online.store.keys import POSITIONS, key
from crm_online.store.node import Command

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A command that only reads, and what decodes its reply."""

    command: Command
    decode: Callable[[object], T]


def hash_fields(partition: int, name: str, fields: Sequence[bytes]) -> Read[list[bytes | None]]:
    """Read some fields of a hash, in their order, None for each that is not there; ``fields`` is not empty."""
    return Read(("HMGET", key(partition, name), *fields), replies.as_value_list)


def hash_whole(partition: int, name: str) -> Read[dict[bytes, bytes]]:
    """Read a whole small hash."""
    return Read(("HGETALL", key(partition, name)), replies.as_pairs)


def hash_scan(
    partition: int, name: str, cursor: int, count: int, match: bytes = b"*"
) -> Read[tuple[int, dict[bytes, bytes]]]:
    """Read the fields that match, of about ``count`` of a hash, and the cursor where it goes on; 0: begin, and end."""
    return Read(("HSCAN", key(partition, name), cursor, "MATCH", match, "COUNT", count), _scanned)


def hash_length(partition: int, name: str) -> Read[int]:
    """Read how many fields a hash has."""
    return Read(("HLEN", key(partition, name)), replies.as_int)


def list_part(partition: int, name: str, first: int, last: int) -> Read[list[bytes]]:
    """Read a list from index ``first`` to ``last``, both included; -1 is the last one."""
    return Read(("LRANGE", key(partition, name), first, last), replies.as_byte_list)


def list_length(partition: int, name: str) -> Read[int]:
    """Read how many values a list has."""
    return Read(("LLEN", key(partition, name)), replies.as_int)


def plain_value(partition: int, name: str) -> Read[bytes | None]:
    """Read a plain value, None if it is not there."""
    return Read(("GET", key(partition, name)), replies.as_value)


def positions(partition: int) -> Read[dict[str, int]]:
    """Read the next position of each source."""
    return numbers(partition, POSITIONS)


def numbers(partition: int, name: str) -> Read[dict[str, int]]:
    """Read a hash of sources, or topics, to positions."""
    return Read(("HGETALL", key(partition, name)), as_positions)


def as_positions(reply: object) -> dict[str, int]:
    """Take the reply that is the hash of positions."""
    pairs = replies.as_pairs(reply)
    return {source.decode("utf-8", "surrogateescape"): replies.as_int(at) for source, at in pairs.items()}


def _scanned(reply: object) -> tuple[int, dict[bytes, bytes]]:
    cursor, flat = replies.as_list(reply)
    return int(replies.as_bytes(cursor)), replies.as_pairs(flat)
