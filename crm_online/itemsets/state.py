"""What one partition knows about its itemsets: the arrays that counting, pruning and reading share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.itemsets.table import KeyTable, spread

CLOSED: Final = math.nan
"""Opening of an item or a pair that is not open."""

COUNT, ERROR, OPENING = 0, 1, 2
"""Rows of a table's values: what was counted, what may have been missed, and a pair's opening."""

ITEM_BYTES, PAIR_BYTES, TRIPLE_BYTES = 16, 48, 40
"""Bytes of an item (two floats), a pair and a triple (key, three or two floats, at most 16 of the index)."""

_ROUNDING = 1e-9
"""Thresholds are lowered by this share, so that rounding in a sum never closes a gate."""


@dataclass(slots=True)
class CounterState:
    """The counters of one partition, all weights relative to one landmark.

    Attributes
    ----------
    epsilon, decay, max_size, max_bytes
        The settings.
    landmark, latest
        The landmark that all weights refer to, and the latest time seen (None before the first basket); ms.
    baskets
        Decayed number of baskets that were not empty: N.
    raised
        What the budget has raised the threshold to, as a weight: H.
    kept
        How many pairs and triples the last pruning left.
    items
        Counts and openings of items by id, shape (2, capacity); ``known`` of them are in use.
    known
        Number of item ids seen so far: the largest id + 1.
    tables
        Pairs and triples: keys with count, error (and opening).
    floors
        For pairs and triples: the largest upper bound ever pruned, by the spread of the key.
    """

    epsilon: float
    decay: Decay
    max_size: int
    max_bytes: int
    landmark: int = 0
    latest: int | None = None
    baskets: float = 0.0
    raised: float = 0.0
    kept: tuple[int, int] = (0, 0)
    known: int = 0
    items: NDArray[np.float64] = field(default_factory=lambda: np.empty((2, 0)))
    tables: tuple[KeyTable, KeyTable] = field(default_factory=lambda: (KeyTable(3), KeyTable(2)))
    floors: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 1)))

    @property
    def pairs(self) -> KeyTable:
        """The table of pairs."""
        return self.tables[0]

    @property
    def triples(self) -> KeyTable:
        """The table of triples."""
        return self.tables[1]

    @property
    def item_count(self) -> NDArray[np.float64]:
        """Counts of the known items; a view."""
        return self.items[0, : self.known]

    @property
    def item_opening(self) -> NDArray[np.float64]:
        """Openings of the known items, ``CLOSED`` where not open; a view."""
        return self.items[1, : self.known]

    @property
    def threshold(self) -> float:
        """The threshold in force, as a weight: θ = max(εN, H)."""
        return max(self.epsilon * self.baskets * (1 - _ROUNDING), self.raised)

    def gate(self, level: int) -> float:
        """Return the upper bound from which a set of ``level`` items is open.

        Gates rise with the size, θ·level/max_size: an entry is born with an error of at most the
        gate below, so it must be seen θ/max_size more often before it opens the next level. With one gate for
        all sizes a rare pair of a rare item would be open at its first sight, and its triples counted.
        """
        return self.threshold * (level / self.max_size)

    def pruning_gate(self, level: int) -> float:
        """Return the upper bound below which a set is dropped: one level's gate lower, but θ for the largest sets."""
        return self.threshold if level == self.max_size else self.gate(level - 1)

    @property
    def bytes(self) -> int:
        """Bytes of the counters, as the budget counts them."""
        entries = len(self.pairs) * PAIR_BYTES + len(self.triples) * TRIPLE_BYTES
        return entries + self.known * ITEM_BYTES + self.floors.nbytes

    def floor(self, level: int, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the largest upper bound that may have been pruned of each key, for pairs (2) or triples (3)."""
        floors = self.floors[level - 2]
        found: NDArray[np.float64] = floors.take(spread(keys, self.floor_bits))
        return found

    def raise_floor(self, level: int, keys: NDArray[np.int64], bounds: NDArray[np.float64]) -> None:
        """Remember the upper bounds of entries that are pruned."""
        np.maximum.at(self.floors[level - 2], spread(keys, self.floor_bits), bounds)

    @property
    def floor_bits(self) -> int:
        """Number of bits that a key is spread over in the floors."""
        cells: int = self.floors.shape[1]
        return cells.bit_length() - 1

    def reserve_items(self, known: int) -> None:
        """Make room for item ids below ``known``."""
        if known > self.items.shape[1]:
            items = np.empty((2, max(known, self.known + self.known // 4)))
            items[:, : self.known] = self.items[:, : self.known]
            self.items = items
        if known > self.known:
            self.items[0, self.known : known] = 0.0
            self.items[1, self.known : known] = CLOSED
            self.known = known

    def move_to(self, latest: int) -> None:
        """Move the landmark so that it fits a batch whose latest time is ``latest``: scale all by a power of two."""
        latest = latest if self.latest is None else max(latest, self.latest)
        old, new = self.landmark, int(self.decay.landmark(np.array([latest]))[0])
        if new != old and self.latest is not None:
            factor = float(self.decay.shift(np.array([old]), np.array([new]))[0])
            self.baskets *= factor
            self.raised *= factor
            self.floors *= factor
            self.items[:, : self.known] *= factor
            for table in self.tables:
                table.values[:] *= factor
        self.landmark, self.latest = new, latest
