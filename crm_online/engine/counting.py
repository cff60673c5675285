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
"""The version of a batch; one of baskets that are withdrawn may follow in the same value."""
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


def journal(batch: Baskets, withdrawn: Baskets | None) -> tuple[bytes, Write]:
    """Return what a step counts and what it withdraws as bytes, and the write that puts it into the journal."""
    raw = _bytes(batch) + (_bytes(withdrawn) if withdrawn is not None else b"")
    return raw, Append(JOURNAL, [raw])


def _bytes(batch: Baskets) -> bytes:
    return (
        _HEAD.pack(_VERSION, len(batch), len(batch.items))
        + batch.times.astype("<i8").tobytes()
        + batch.start.astype("<i8").tobytes()
        + batch.items.astype("<i4").tobytes()
    )


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
        batch, at = _batch(raw, 0)
        withdrawn, at = _batch(raw, at) if at < len(raw) else (None, at)
        if at != len(raw):
            raise StateCorrupt("a batch in the journal of baskets has the wrong length")
        counters.count(batch, withdrawn)
    return counters


def _batch(raw: bytes, at: int) -> tuple[Baskets, int]:
    """Return the batch that begins at a place, and where it ends."""
    if len(raw) < at + _HEAD.size or raw[at] != _VERSION:
        raise StateCorrupt("a batch in the journal of baskets cannot be read")
    _, baskets, items = _HEAD.unpack_from(raw, at)
    at += _HEAD.size
    end = at + 16 * baskets + 8 + 4 * items
    if len(raw) < end:
        raise StateCorrupt("a batch in the journal of baskets has the wrong length")
    times = np.frombuffer(raw, "<i8", baskets, at)
    start = np.frombuffer(raw, "<i8", baskets + 1, at + 8 * baskets)
    batch = Baskets(
        times.astype(np.int64),
        start.astype(np.int64),
        np.frombuffer(raw, "<i4", items, at + 16 * baskets + 8).astype(np.int32),
    )
    return batch, end
