"""The baskets of all partitions counted together, so that rules over many cost what rules over one do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters

_NOTHING = Baskets.of([])


class PooledCounters:
    """Counters of the baskets that several partitions hold, whose item ids and origins differ.

    Baskets that came or went since the last call are added or withdrawn. What comes out depends on what the partitions
    hold alone, not on when it was added.

    Parameters
    ----------
    decay
        How the weight of a basket fades.
    max_size
        Items in an itemset, 1 to 6.

    Examples
    --------
    >>> parts = []
    >>> for names in (["tea", "cup"], ["cup", "tea"]):
    ...     counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    ...     counters.count(Baskets.of([(0, [0, 1]), (0, [1])]))
    ...     parts.append(PartitionCounters(counters, names, {name: number for number, name in enumerate(names)}))
    >>> found = PooledCounters(Decay(None), 2).update(parts)
    >>> found.names, found.counters.items(as_of=0).tolist()
    (['tea', 'cup'], [3.0, 3.0])
    """

    def __init__(self, decay: Decay, max_size: int) -> None:
        self._decay, self._max_size = decay, max_size
        self._items = ItemNames()
        self._begin_anew(0)

    @property
    def achieved_epsilon(self) -> float:
        """As :attr:`ItemsetCounters.achieved_epsilon`, over all partitions."""
        return self._counters.achieved_epsilon

    def update(self, parts: Sequence[PartitionCounters]) -> PartitionCounters:
        """Return the counters of all baskets of some partitions, which are given in the same order each time."""
        changes = [part.counters.take_changes() for part in parts]
        if len(parts) != len(self._numbers) or None in changes:
            self._begin_anew(len(parts))
            changes = [(part.counters.kept.all(), _NOTHING) for part in parts]
        came, went = list[Baskets](), list[Baskets]()
        for place, (part, change) in enumerate(zip(parts, changes, strict=True)):
            known = len(self._numbers[place])
            fresh = self._items.numbers(part.names[known:])
            numbers = self._numbers[place] = np.concatenate([self._numbers[place], fresh])
            for all_of, some in zip((came, went), change or (), strict=True):
                all_of.append(_renumbered(some, numbers))
        self._counters.count(Baskets.joined(came), Baskets.joined(went))
        evicted = [
            (part.counters.evicted.renumbered(numbers), part.counters.weights)
            for part, numbers in zip(parts, self._numbers, strict=True)
            if part.counters.evicted
        ]
        self._counters.settle(evicted)
        return PartitionCounters(self._counters, self._items.names, self._items.ids)

    def _begin_anew(self, parts: int) -> None:
        # The partitions keep to their budgets, and so do all of them together.
        self._counters = ItemsetCounters(0.0, self._decay, self._max_size, sys.maxsize)
        self._numbers = [np.empty(0, np.int64)] * parts


def _renumbered(baskets: Baskets, numbers: NDArray[np.int64]) -> Baskets:
    """Return baskets with other numbers of their items, which are ascending again."""
    basket = np.repeat(np.arange(len(baskets)), np.diff(baskets.start))
    items = numbers[baskets.items].astype(np.int32)
    return Baskets.from_lines(basket, items, baskets.times)
