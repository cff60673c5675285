"""Mining frequent itemsets again and again as baskets come and go, with what was counted before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets import levels as tree
from crm_online.itemsets import vertical
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.combinations import pair_counts
from crm_online.itemsets.evicted import Evicted, Mined
from crm_online.itemsets.levels import Candidates, Level
from crm_online.itemsets.pairs import count_pairs
from crm_online.itemsets.reading import SLACK

STAYS_OPEN = 0.8
"""An itemset that was open stays so down to this share of the level, so that few are counted again and again."""

MOST_WORDS = 1 << 32
"""Words of 64 baskets that the candidates of one size may take to count: some seconds."""

MOST_CANDIDATES = 1 << 21
"""Candidates of one size; where there would be more, only the heaviest itemsets are made larger."""


@dataclass(frozen=True, slots=True)
class WeightedBaskets:
    """The kept baskets as they are counted.

    Attributes
    ----------
    baskets, weights
        The baskets, and the weight of each; ``None``: 1.
    items
        Weight of those with each item, by id, int64[known].
    """

    baskets: Baskets
    weights: NDArray[np.int64] | None
    items: NDArray[np.int64]


class Border:
    """The itemsets that are counted: those whose subsets are all open, frequent themselves or not.

    An itemset is *open* once its weight reaches the level that is asked for. When one opens, larger ones are made
    of it, and counted in all kept baskets; from then on only in those that come or go. So mining again costs what
    has changed since. Which itemsets are found does not depend on what was counted before.

    Parameters
    ----------
    max_size
        Items in an itemset.

    Attributes
    ----------
    left_out
        The largest weight that an itemset can have that the last mining left out, beyond the level it was asked for.

    Notes
    -----
    The border of itemsets that may become frequent goes back to Feldman, Aumann, Amir, Mannila: Efficient algorithms
    for discovering frequent sets in incremental databases, DMKD 1997.
    """

    def __init__(self, max_size: int) -> None:
        self.left_out = 0
        self._max_size = max_size
        self._open_items = np.empty(0, bool)
        self._levels = [Level() for _ in range(2, max_size + 1)]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted yet."""
        return not self._open_items.any()

    def add(self, baskets: Baskets, weights: NDArray[np.int64] | None, sign: int = 1) -> None:
        """Count baskets that come (sign 1) or go (-1)."""
        if self.is_empty or self._max_size < 2 or not len(baskets):
            return
        keys, counts = count_pairs(baskets, weights, np.flatnonzero(self._open_items))
        self._merge_pairs(keys, sign * counts)
        for size in range(3, self._max_size + 1):
            level = self._levels[size - 2]
            if not len(level):
                return
            itemsets = tree.items_of(self._levels, size, np.arange(len(level)))
            level.kept += sign * vertical.count(itemsets, baskets, weights)

    def mine(self, kept: WeightedBaskets, evicted: Evicted, least: float) -> list[Mined]:
        """Return the itemsets of two items and more whose upper bound reaches a weight, by size.

        Parameters
        ----------
        kept
            The kept baskets; all of them were added here, unless nothing is counted yet.
        evicted
            What is known of the others.
        least
            The weight to reach.
        """
        self.left_out = 0
        least = max(least * (1 - SLACK), 1.0)
        found: list[Mined] = []
        self._refresh_pairs(kept, evicted, least)
        for size in range(2, self._max_size + 1):
            level = self._levels[size - 2]
            low, high = self._bounds(size, evicted)
            reach = high >= least
            level.is_open = reach | (level.is_open & (high >= STAYS_OPEN * least))
            rows = np.flatnonzero(reach)
            if not len(rows):
                if not level.is_open.any():
                    self._forget(size + 1)
                break
            found.append(Mined(tree.items_of(self._levels, size, rows), low[rows], high[rows]))
            if size < self._max_size:
                self._refresh(size + 1, kept, high, reach)
        return found

    def _bounds(self, size: int, evicted: Evicted) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        level = self._levels[size - 2]
        if not evicted:
            return level.kept, level.kept
        low, high = evicted.bounds(tree.items_of(self._levels, size, np.arange(len(level))))
        low, high = low + level.kept, high + level.kept
        if size > 2:
            _, below = self._bounds(size - 1, evicted)
            high = np.minimum(high, below[level.subsets].min(axis=1, initial=np.iinfo(np.int64).max))
        return low, high

    def _refresh_pairs(self, kept: WeightedBaskets, evicted: Evicted, least: float) -> None:
        """Open and close items, and count the pairs of those that opened."""
        weight = kept.items + evicted.of_items(np.arange(len(kept.items)))
        before = np.zeros(len(weight), bool)
        before[: len(self._open_items)] = self._open_items
        reach = weight >= least
        wide = reach | (before & (weight >= max(STAYS_OPEN * least, 1)))

        def fits(chosen: NDArray[np.bool_]) -> bool:
            number = int(np.count_nonzero(chosen))
            if number * (number - 1) // 2 <= MOST_CANDIDATES:
                return True
            lengths = np.add.reduceat(chosen[kept.baskets.items], kept.baskets.start[:-1], dtype=np.int64)
            return int(pair_counts(lengths).sum()) <= 2 * MOST_CANDIDATES

        is_open = self._chosen(fits, weight, reach, wide)
        level, fresh = self._levels[0], is_open & ~before
        self._keep(2, is_open[level.parent] & is_open[level.item])
        self._open_items = is_open
        if fresh.any():
            items = np.flatnonzero(is_open)
            self._merge_pairs(*count_pairs(kept.baskets, kept.weights, items, fresh[items]))
        if evicted:
            known = evicted.of_size(2)
            known = known[is_open[known].all(axis=1)]
            self._merge_pairs(np.sort(known[:, 0] << 32 | known[:, 1]), np.zeros(len(known), np.int64))

    def _refresh(self, size: int, kept: WeightedBaskets, high: NDArray[np.int64], reach: NDArray[np.bool_]) -> None:
        """Make the itemsets of a size anew, of those below with these upper bounds, and count those that are new."""
        below = self._levels[size - 3]
        words = -(-len(kept.baskets) // 64)
        most = min(MOST_CANDIDATES, max(MOST_WORDS // max(words, 1), 16))
        chosen = self._chosen(lambda some: tree.joins(below, some) <= most, high, reach, below.is_open)
        self._replace(size, tree.candidates(below, size - 1, chosen), kept)

    def _chosen(
        self,
        fits: Callable[[NDArray[np.bool_]], bool],
        weights: NDArray[np.int64],
        reach: NDArray[np.bool_],
        wide: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Return which itemsets are made larger: of ``wide``, or of ``reach``, or the heaviest of it, what fits.

        What was open before plays no part in what is left out, or the result would hang on it.
        """
        if fits(wide):
            return wide
        if fits(reach):
            return reach
        gates = np.unique(weights[reach])
        low, high = 0, len(gates) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(reach & (weights > gates[middle])) else (middle + 1, high)
        self.left_out = max(self.left_out, int(gates[low]))
        heaviest: NDArray[np.bool_] = reach & (weights > gates[low])
        return heaviest

    def _replace(self, size: int, made: Candidates, kept: WeightedBaskets) -> None:
        old = self._levels[size - 2]
        row = old.find(made.keys)
        new = row < 0
        counts, is_open = np.zeros(len(row), np.int64), np.zeros(len(row), bool)
        counts[~new], is_open[~new] = old.kept[row[~new]], old.is_open[row[~new]]
        moved = np.full(len(old), -1, np.int64)
        moved[row[~new]] = np.flatnonzero(~new)
        level = self._levels[size - 2] = Level(made.keys, counts, is_open, made.subsets)
        fresh = np.flatnonzero(new)
        level.kept[fresh] = vertical.count(tree.items_of(self._levels, size, fresh), kept.baskets, kept.weights)
        self._move(size + 1, moved)

    def _merge_pairs(self, keys: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add to the counts of pairs, ascending keys; those not there yet are new."""
        level = self._levels[0]
        row = level.find(keys)
        there = row >= 0
        level.kept[row[there]] += counts[there]
        if there.all():
            return
        place = np.searchsorted(level.keys, keys[~there])
        shift = np.zeros(len(level) + 1, np.int64)
        np.add.at(shift, place, 1)
        moved = np.arange(len(level)) + np.cumsum(shift)[:-1]
        self._levels[0] = Level(
            np.insert(level.keys, place, keys[~there]),
            np.insert(level.kept, place, counts[~there]),
            np.insert(level.is_open, place, False),
        )
        self._move(3, moved)

    def _keep(self, size: int, stays: NDArray[np.bool_]) -> None:
        """Drop itemsets of a size, and the larger ones made of them."""
        if size > self._max_size or stays.all():
            return
        level = self._levels[size - 2]
        subsets = level.subsets[stays] if len(level.subsets) else level.subsets
        self._levels[size - 2] = Level(level.keys[stays], level.kept[stays], level.is_open[stays], subsets)
        self._move(size + 1, np.where(stays, np.cumsum(stays) - 1, -1))

    def _move(self, size: int, moved: NDArray[np.int64]) -> None:
        """Note that the itemsets one level below have other rows now, -1 for none."""
        if size > self._max_size or not len(self._levels[size - 2]):
            return
        level = self._levels[size - 2]
        parent = moved[level.parent]
        level.keys = parent << 32 | level.item
        # What a subset's row is, is known again once the level is made anew.
        self._keep(size, parent >= 0)

    def _forget(self, size: int) -> None:
        for level in range(size, self._max_size + 1):
            self._levels[level - 2] = Level()
