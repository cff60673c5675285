"""The counted baskets as they are stored: a checkpoint of the counters, and a journal of what came and went since."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

from crm_online.errors import StateCorrupt
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.encoding import pack, unpack
from crm_online.step import Append, Drop, Write

JOURNAL = "journal"
COUNTERS = "counters"
_HEAD = struct.Struct("<BI")
"""The version, and the checksum of what follows: lengths in damaged bytes would choose what is allocated."""
_VERSION = 3
_CHECKPOINT_BYTES = 1 << 20


def checkpoint_is_due(size: int, counters: int) -> bool:
    """Return whether the journal is long enough for a new checkpoint.

    A checkpoint costs its size, so it is written when the journal is half as large: then all checkpoints together
    cost three times what the baskets take.
    """
    return size >= max(_CHECKPOINT_BYTES, counters // 2)


def checkpoint(counters: ItemsetCounters) -> Iterator[Write]:
    """Write the counters whole, and empty the journal."""
    yield Drop(COUNTERS)
    yield Append(COUNTERS, counters.dump())
    yield Drop(JOURNAL)


def journal_entry(batch: Baskets, withdrawn: Baskets) -> tuple[bytes, Write]:
    """Return the baskets that a step counted and withdrew as bytes, and the write that appends them to the journal."""
    body = pack(batch) + pack(withdrawn)
    raw = _HEAD.pack(_VERSION, zlib.crc32(body)) + body
    return raw, Append(JOURNAL, [raw])


def restored_counters(fresh: ItemsetCounters, chunks: Sequence[bytes], entries: Sequence[bytes]) -> ItemsetCounters:
    """Return the counters of a checkpoint and a journal, as they were to the last bit.

    Parameters
    ----------
    fresh
        Empty counters, for a state without a checkpoint.
    chunks, entries
        The checkpoint and the journal.
    """
    counters = ItemsetCounters.load(list(chunks)) if chunks else fresh
    for raw in entries:
        counters.count(*_entry(raw))
    return counters


def _entry(raw: bytes) -> tuple[Baskets, Baskets]:
    if len(raw) < _HEAD.size or raw[0] != _VERSION:
        raise StateCorrupt("a batch in the journal of baskets cannot be read")
    body = memoryview(raw)[_HEAD.size :]
    if zlib.crc32(body) != _HEAD.unpack_from(raw)[1]:
        raise StateCorrupt("a batch in the journal of baskets cannot be read: bytes are missing or changed")
    parts = unpack(body)
    if len(parts) != 2:
        raise StateCorrupt("a batch in the journal of baskets has the wrong length")
    return parts[0], parts[1]
