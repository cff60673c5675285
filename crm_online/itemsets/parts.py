"""Itemsets over several partitions: bounds are added up, by the items' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.reading import NO_ITEM, SLACK, Itemsets, in_order, widened

UNKNOWN = np.iinfo(np.int32).max
"""Id of an item whose name a partition does not know."""


@dataclass(frozen=True, slots=True)
class PartitionCounters:
    """The itemsets of a partition by its counters, with the names of its items."""

    counters: ItemsetCounters
    names: Sequence[str]
    ids: Mapping[str, int]

    def baskets(self, as_of: int) -> float:
        """Return the decayed number of baskets."""
        return self.counters.baskets(as_of)

    def frequent(self, min_support: float, as_of: int) -> Itemsets:
        """Return the itemsets whose upper bound is at least this share of the partition's baskets."""
        return self.counters.frequent(min_support, as_of)

    def lookup(self, items: NDArray[np.int32], as_of: int) -> Itemsets:
        """Return the bounds of any itemsets; ``UNKNOWN`` items have weight 0."""
        return self.counters.lookup(items, as_of)


@dataclass(frozen=True, slots=True)
class FrequentItemsets:
    """Itemsets over all partitions, by size and then by items.

    Attributes
    ----------
    names
        Names of the items that occur in them, ascending; ids are places in this list.
    sets
        The itemsets and their bounds: count ≤ true ≤ count + error.
    baskets
        Decayed number of all baskets.
    as_of
        The time that weights are decayed to, ms.
    """

    names: Sequence[str]
    sets: Itemsets
    baskets: float
    as_of: int

    def named(self) -> list[tuple[str, ...]]:
        """Return the names of each itemset, ascending."""
        return [tuple(self.names[item] for item in row if item != NO_ITEM) for row in self.sets.items.tolist()]


def merge(parts: Sequence[PartitionCounters], as_of: int, min_support: float) -> FrequentItemsets:
    """Return the itemsets that may be frequent over all partitions.

    An itemset at or above ``min_support`` over all is so in at least one partition. So the candidates are
    what is frequent somewhere; their bounds are looked up everywhere and added.

    Nothing is missed while each partition's ``achieved_epsilon`` is ≤ ``min_support``.

    Examples
    --------
    >>> from crm_online.decay import Decay
    >>> from crm_online.itemsets.baskets import Baskets
    >>> counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    >>> counters.count(Baskets.of([(0, [0, 1])]))
    >>> one = PartitionCounters(counters, ["tea", "cup"], {"tea": 0, "cup": 1})
    >>> other = PartitionCounters(counters, ["cup", "jug"], {"cup": 0, "jug": 1})
    >>> found = merge([one, other], as_of=0, min_support=0.5)
    >>> list(zip(found.named(), found.sets.count.tolist()))[:2]
    [(('cup',), 2.0), (('jug',), 1.0)]
    """
    local = [(part, part.frequent(min_support, as_of)) for part in parts]
    names = sorted({part.names[item] for part, sets in local for item in _distinct(sets.items, part.names)})
    ids = {name: number for number, name in enumerate(names)}
    candidates, places = _union([_renamed(sets.items, part.names, ids) for part, sets in local])
    total = float(sum(part.baskets(as_of) for part in parts))
    count, error = np.zeros(len(candidates)), np.zeros(len(candidates))
    for (part, sets), place in zip(local, places, strict=True):
        count[place] += sets.count
        error[place] += sets.error
        elsewhere = np.ones(len(candidates), bool)
        elsewhere[place] = False
        if elsewhere.any():
            found = part.lookup(_renamed(candidates[elsewhere], names, part.ids), as_of)
            count[elsewhere] += found.count
            error[elsewhere] += found.error
    chosen = count + error >= min_support * total * (1 - SLACK)
    return FrequentItemsets(names, Itemsets(candidates[chosen], count[chosen], error[chosen]), total, as_of)


def _distinct(items: NDArray[np.int32], names: Sequence[str]) -> list[int]:
    """Return the items, ascending, that occur in itemsets of a dictionary."""
    occurs = np.zeros(len(names) + 1, bool)  # NO_ITEM, -1, is the last place
    occurs[items] = True
    found: list[int] = np.flatnonzero(occurs[:-1]).tolist()
    return found


def _renamed(items: NDArray[np.int32], names: Sequence[str], ids: Mapping[str, int]) -> NDArray[np.int32]:
    """Take itemsets from one dictionary to another one, ascending there."""
    distinct = _distinct(items, names)
    # NO_ITEM, -1, is the last place: padding sorts after every item, also after unknown ones.
    new = np.full(len(names) + 1, np.int64(UNKNOWN) + 1)
    new[distinct] = [ids.get(names[item], UNKNOWN) for item in distinct]
    wide = new[items]
    wide.sort(axis=1)
    return np.where(wide > UNKNOWN, NO_ITEM, wide).astype(np.int32)


def _union(found: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], list[NDArray[np.int64]]]:
    """Return the distinct itemsets by size and then by items, and of each part at which places its own are."""
    width = max(items.shape[1] for items in found)
    every = np.concatenate([widened(items, width) for items in found])
    order = in_order(every)
    ordered, differs, place = every[order], np.ones(len(every), bool), np.empty(len(every), np.int64)
    differs[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    place[order] = np.cumsum(differs) - 1
    return ordered[differs], np.split(place, np.cumsum([len(items) for items in found])[:-1])
