"""Customer records: many customers as arrays, one column for each thing that is remembered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

RECENT = 16
"""How many of a customer's last event ids are kept to find duplicates."""
NEVER = np.int64(-1)
"""The time of something that has not happened."""
NO_SEGMENT = 255
"""The segment of a customer who has none yet; so a model has at most 255 segments."""
MOVES = 4
"""How many of a customer's last moves between segments are kept, the newest first."""
MEMORY_LENGTHS = 4
"""How many half-lives the memory of a record has, see :mod:`crm_online.customers.memory`."""
NO_BAND = 255
"""The risk band of a customer who has none yet."""
MOVE = np.dtype([("time", "<u4"), ("left", "<u2"), ("entered", "<u2"), ("reason", "u1")])
"""A move: seconds since 1970, the numbers of the two segments (0 for none), and the reason's number."""
TARGET_BAND = np.dtype([("band", "<u1"), ("left_band", "<u1"), ("since", "<u4")])
"""The band of a target of the user's own, the one before it, and since when, in seconds since 1970."""


def stored_version(version: int) -> int:
    """Return a version of the model as records keep it: in 16 bits, which two versions in use never share."""
    return version % (1 << 16)


@dataclass(slots=True)
class Records:
    """The records of ``n`` customers, one row each.

    Attributes
    ----------
    first_event, last_event, first_purchase, last_purchase
        Times in ms, ``NEVER`` where there was none; extremes, so they merge by min and max.
    purchases, returns, events
        Plain counts of orders, of returns, and of all accepted events.
    spend, items
        Plain totals: money of all purchases, and pieces bought.
    sums
        float64[n, s]: decayed sums relative to each customer's own landmark, see
        :mod:`crm_online.customers.totals`.
    vectors
        int16[n, d]: the scaled feature vector as last scored.
    nearest, reported
        The model's segment and the reported one, as row numbers in the model, or ``NO_SEGMENT``.
    model_version
        Version of the model that scored the vector; 0 where none did.
    scored_at, since
        Seconds since 1970: when the vector was scored, and when the reported segment was entered.
    queued
        Bucket of the due queue in which the customer waits for the next visit.
    memory
        float64[n, h, 2]: orders and spend by several half-lives, see :mod:`crm_online.customers.memory`; stored with 24
        bits.
    band, left_band
        The reported risk band, and the one before it, see :mod:`crm_online.predictions.bands`; or ``NO_BAND``.
    band_since
        Seconds since 1970 when the reported band was entered.
    recent
        uint64[n, 16]: hashes (48 bits) of the last event ids; event number ``e`` is at ``e % 16``.
    moves
        The last moves, ``MOVE``[n, 4]; a time of 0 where there were fewer.
    target_bands
        The bands of the users' own targets, as bytes: see :mod:`crm_online.predictions.reported`.
    own
        What the customer bought before, as bytes: see :mod:`crm_online.customers.own`.
    """

    first_event: NDArray[np.int64]
    last_event: NDArray[np.int64]
    first_purchase: NDArray[np.int64]
    last_purchase: NDArray[np.int64]
    purchases: NDArray[np.int64]
    returns: NDArray[np.int64]
    events: NDArray[np.int64]
    spend: NDArray[np.float64]
    items: NDArray[np.float64]
    sums: NDArray[np.float64]
    vectors: NDArray[np.int16]
    nearest: NDArray[np.uint8]
    reported: NDArray[np.uint8]
    model_version: NDArray[np.uint16]
    scored_at: NDArray[np.int64]
    since: NDArray[np.int64]
    queued: NDArray[np.int64]
    memory: NDArray[np.float64]
    band: NDArray[np.uint8]
    left_band: NDArray[np.uint8]
    band_since: NDArray[np.int64]
    recent: NDArray[np.uint64]
    moves: NDArray[np.void]
    target_bands: NDArray[np.object_]
    own: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.first_event)

    def scored_by(self, version: int) -> NDArray[np.bool_]:
        """Return whether each vector was scored by a version of the model."""
        return np.equal(self.model_version, stored_version(version))

    @classmethod
    def concatenated(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of at least one part, one part after the other."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return a copy of some rows."""
        return type(self)(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def copy(self) -> Self:
        """Return a copy of all rows, in a fraction of the time that taking each of them needs."""
        return type(self)(**{field.name: getattr(self, field.name).copy() for field in fields(self)})

    def place(self, rows: NDArray[np.int64], other: Records, names: Collection[str] = ()) -> None:
        """Overwrite some rows by the rows of ``other``: all that is known, or the columns with these names."""
        for name in names or [field.name for field in fields(self)]:
            getattr(self, name)[rows] = getattr(other, name)
