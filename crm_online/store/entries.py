"""The bytes of an outbox entry: version, topic, flags, sequence, key, value.

A fixed head of 15 bytes (little-endian), then the key in UTF-8, then the value to the end.
"""

from __future__ import annotations

import struct
from typing import Final

from crm_online.errors import StateCorrupt
from crm_online.step import Entry, Topic

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BBBQI")
_TOMBSTONE: Final = 1
# Numbers are for good: a topic that goes leaves its number unused.
_TOPICS: Final = {1: Topic.SEGMENT_CHANGES, 2: Topic.SEGMENTS, 3: Topic.RULES, 4: Topic.REJECTS}
_NUMBERS: Final = {topic: number for number, topic in _TOPICS.items()}


def blank(entry: Entry) -> Entry:
    """Give what stays of a change of somebody who was erased: its id, so that the numbers have no gap.

    Examples
    --------
    >>> blank(Entry(Topic.SEGMENT_CHANGES, "C17", b'{"change_id":"0-0-3","customer_id":"C17"}', 3)).value
    b'{"change_id":"0-0-3"}'
    """
    change_id = entry.value.partition(b",")[0].rstrip(b"}")
    return Entry(entry.topic, "", change_id + b"}", entry.sequence, True)


def is_blank(entry: Entry) -> bool:
    """Tell whether an entry is what stays of a change of somebody who was erased; readers leave it out."""
    return entry.topic is Topic.SEGMENT_CHANGES and not entry.key


def encode(entry: Entry) -> bytes:
    """Give the bytes of an entry.

    Examples
    --------
    >>> decode(encode(Entry(Topic.RULES, "r", b"{}", 3))) == Entry(Topic.RULES, "r", b"{}", 3)
    True
    """
    # A lone surrogate is legal in JSON, so a customer's id may hold one.
    name = entry.key.encode("utf-8", "surrogatepass")
    flags = _TOMBSTONE if entry.tombstone else 0
    return _HEAD.pack(_VERSION, _NUMBERS[entry.topic], flags, entry.sequence, len(name)) + name + entry.value


def decode(data: bytes) -> Entry:
    """Read an entry's bytes.

    Raises
    ------
    StateCorrupt
        No version of crm-online wrote these bytes, or a newer one did.
    """
    if len(data) < _HEAD.size:
        raise StateCorrupt(f"an outbox entry of {len(data)} bytes is too short")
    version, number, flags, sequence, length = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    if version != _VERSION or number not in _TOPICS or flags & ~_TOMBSTONE or end > len(data):
        raise StateCorrupt(f"an outbox entry begins with bytes that are not known: {data[: _HEAD.size].hex()}")
    try:
        name = data[_HEAD.size : end].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise StateCorrupt(f"the key of outbox entry {sequence} is not UTF-8") from None
    return Entry(_TOPICS[number], name, data[end:], sequence, bool(flags & _TOMBSTONE))
