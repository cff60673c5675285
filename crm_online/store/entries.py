"""The bytes of an outbox entry: version, topic, flags, epoch, sequence, key, geometry, value.

A fixed head of 19 bytes (little-endian), then the key in UTF-8, then, if a flag says so, the length of the geometry
and the geometry, then the value to the end. The partition is that of the list. The scripts read the head too.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Collection, Iterator
from typing import Final

from crm_online.errors import StateCorrupt
from crm_online.step import ChangeId, Entry, Topic

_VERSION: Final = 2
_HEAD: Final = struct.Struct("<BBBIQI")
_WORD: Final = re.compile(r"\w+")
_TOMBSTONE: Final = 1
_GEOMETRY: Final = 2
_LENGTH: Final = struct.Struct("<I")
TOPICS: Final = {
    1: Topic.SEGMENT_CHANGES,
    2: Topic.SEGMENTS,
    3: Topic.RULES,
    4: Topic.REJECTS,
    5: Topic.DRIFT,
    6: Topic.PREDICTIONS,
}
"""Topics by number, from 1 without gaps: the number is in the bytes of an entry, and is that of its list in scripts."""
OF_CUSTOMERS: Final = frozenset({Topic.SEGMENT_CHANGES, Topic.PREDICTIONS})
"""The topics whose keys are customers: changes on them are blanked when the customer is erased."""
_NUMBERS: Final = {topic: number for number, topic in TOPICS.items()}


def blank(entry: Entry) -> Entry:
    """Return the blank of a change of an erased customer: only its id, so that the numbers have no gap.

    Examples
    --------
    >>> blank(Entry(Topic.SEGMENT_CHANGES, "C17", b'{"change_id":"0-0-3","customer_id":"C"}', ChangeId(0, 0, 3))).value
    b'{"change_id":"0-0-3"}'
    """
    return Entry(entry.topic, "", b'{"change_id":"%s"}' % str(entry.id).encode(), entry.id, True)


def is_blank(entry: Entry) -> bool:
    """Return whether an entry is the blank of a change of an erased customer; readers leave it out."""
    return not entry.key and entry.tombstone


class RejectSearch:
    """Finds the rejects that have the id of one of many customers as a word, in time that does not grow with them.

    Parameters
    ----------
    customers
        The ids.

    Examples
    --------
    >>> reject = json.dumps({"raw": '{"customer_id": "C17"}'}).encode()
    >>> RejectSearch({"C17"}).matches(reject), RejectSearch({"C1"}).matches(reject)
    (True, False)
    """

    def __init__(self, customers: Collection[str]) -> None:
        self._by_word: dict[str, list[tuple[str, str]]] = {}
        for name in customers:
            for spelling in {name, json.dumps(name)[1:-1]}:
                word = _WORD.search(spelling)
                self._by_word.setdefault(word[0] if word else "", []).append((spelling, name))

    def matches(self, reject: bytes) -> bool:
        """Return whether the raw row of a reject, given as the JSON of its value, has one of the ids."""
        return any(True for _ in self.named(reject))

    def named(self, reject: bytes) -> Iterator[str]:
        """Yield the customers whose ids are in the raw row of a reject, given as the JSON of its value."""
        return self._named(str(json.loads(reject).get("raw", "")))

    def is_in(self, raw: str) -> bool:
        """Return whether a raw row has one of the ids."""
        return any(True for _ in self._named(raw))

    def _named(self, raw: str) -> Iterator[str]:
        words = {"", *_WORD.findall(raw)}
        for spelling, name in (found for word in words for found in self._by_word.get(word, ())):
            if re.search(rf"(?<!\w){re.escape(spelling)}(?!\w)", raw):
                yield name


def encode(entry: Entry) -> bytes:
    """Give the bytes of an entry.

    Examples
    --------
    >>> entry = Entry(Topic.RULES, "r", b"{}", ChangeId(2, 0, 3))
    >>> decode(encode(entry), 2) == entry
    True
    """
    # A lone surrogate is legal in JSON, so a customer's id may hold one.
    name = entry.key.encode("utf-8", "surrogatepass")
    flags = (_TOMBSTONE if entry.tombstone else 0) | (_GEOMETRY if entry.geometry else 0)
    head = _HEAD.pack(_VERSION, _NUMBERS[entry.topic], flags, entry.id.epoch, entry.id.sequence, len(name))
    geometry = _LENGTH.pack(len(entry.geometry)) + entry.geometry if entry.geometry else b""
    return head + name + geometry + entry.value


def decode(data: bytes, partition: int) -> Entry:
    """Read the bytes of an entry of a partition.

    Raises
    ------
    StateCorrupt
        No version of crm-online wrote these bytes, or a newer one did.
    """
    if len(data) < _HEAD.size:
        raise StateCorrupt(f"an outbox entry of {len(data)} bytes is too short")
    version, number, flags, epoch, sequence, length = _HEAD.unpack_from(data)
    end = _HEAD.size + length
    if version != _VERSION or number not in TOPICS or flags & ~(_TOMBSTONE | _GEOMETRY) or end > len(data):
        raise StateCorrupt(f"an outbox entry begins with bytes that are not known: {data[: _HEAD.size].hex()}")
    try:
        name = data[_HEAD.size : end].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise StateCorrupt(f"the key of outbox entry {sequence} is not UTF-8") from None
    geometry = b""
    if flags & _GEOMETRY:
        begin = end + _LENGTH.size
        end = begin + _LENGTH.unpack(data[end:begin].ljust(_LENGTH.size, b"\xff"))[0]
        if end > len(data):
            raise StateCorrupt(f"the geometry of outbox entry {sequence} is too short")
        geometry = data[begin:end]
    change = ChangeId(partition, epoch, sequence)
    return Entry(TOPICS[number], name, data[end:], change, bool(flags & _TOMBSTONE), geometry)
