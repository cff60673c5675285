"""Whole baskets into counters, kept as a checkpoint and a journal of what was counted since."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np

from crm_online.errors import StateCorrupt
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.step import Append, Drop, Write

JOURNAL = "journal"
COUNTERS = "counters"
_HEAD = struct.Struct("<BII")
_VERSION = 1
_CHECKPOINT_BASKETS = 20_000
_CHECKPOINT_BYTES = 1 << 20


def checkpoint_is_due(baskets: int, size: int, counters: int) -> bool:
    """Return whether the journal is long enough for a new checkpoint.

    A checkpoint costs its size, so small counters are written more often; a journal of 20,000
    baskets is counted again in a second or two when a partition is claimed.
    """
    return baskets >= _CHECKPOINT_BASKETS or size >= max(_CHECKPOINT_BYTES, counters)


def checkpoint(counters: ItemsetCounters) -> Iterator[Write]:
    """Write the counters whole, and empty the journal."""
    yield Drop(COUNTERS)
    yield Append(COUNTERS, counters.dump())
    yield Drop(JOURNAL)


def journal(batch: Baskets) -> tuple[bytes, Write]:
    """Return a batch of baskets as bytes, and the write that puts it into the journal."""
    raw = (
        _HEAD.pack(_VERSION, len(batch), len(batch.items))
        + batch.times.astype("<i8").tobytes()
        + batch.start.astype("<i8").tobytes()
        + batch.items.astype("<i4").tobytes()
    )
    return raw, Append(JOURNAL, [raw])


def counted(fresh: ItemsetCounters, chunks: Sequence[bytes], entries: Sequence[bytes]) -> ItemsetCounters:
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
        counters.count(_batch(raw))
    return counters


def _batch(raw: bytes) -> Baskets:
    if len(raw) < _HEAD.size or raw[0] != _VERSION:
        raise StateCorrupt("a batch in the journal of baskets cannot be read")
    _, baskets, items = _HEAD.unpack_from(raw)
    if len(raw) != _HEAD.size + 16 * baskets + 8 + 4 * items:
        raise StateCorrupt("a batch in the journal of baskets has the wrong length")
    at = _HEAD.size
    times = np.frombuffer(raw, "<i8", baskets, at)
    start = np.frombuffer(raw, "<i8", baskets + 1, at + 8 * baskets)
    return Baskets(
        times.astype(np.int64),
        start.astype(np.int64),
        np.frombuffer(raw, "<i4", items, at + 16 * baskets + 8).astype(np.int32),
    )
