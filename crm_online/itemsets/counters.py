"""The itemsets of one partition: exact as long as its baskets fit into the budget, with bounds beyond that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.errors import InvalidSetting, StateCorrupt
from crm_online.itemsets import encoding, vertical
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.border import Border, WeightedBaskets
from crm_online.itemsets.evicted import Evicted, Mined
from crm_online.itemsets.kept import BASKET_BYTES, ITEM_BYTES, KeptBaskets
from crm_online.itemsets.pairs import count_pairs
from crm_online.itemsets.reading import MAX_SIZE, NO_ITEM, SLACK, Itemsets
from crm_online.itemsets.weights import SMALLEST_SUM, BasketWeights

WIDTH = 3
"""Columns that itemsets have at least."""

FINEST = 1e-4
"""Share of the baskets to which itemsets of evicted baskets have bounds of their own, whatever ε is asked for."""

Chunks = list[bytes]
"""A dump, in pieces of bounded length."""

_ITEM_BYTES = 8
_STAYS = 0.5
_SETS = 0.25


class ItemsetCounters:
    """Counts of itemsets: count ≤ true ≤ count + error, as of any time.

    *What is kept.* The baskets themselves, as item ids. A basket weighs ``2 ** ((time - origin) / half_life)``, rounded
    to a whole number, so sums are exact in any order. All else follows from the baskets: the frequent itemsets
    are mined when they are asked for, with what was counted before (:class:`~crm_online.itemsets.border.Border`).
    So counts are exact, for every itemset, and a basket that was counted can be withdrawn.

    *The budget.* When the baskets take more than ``max_bytes``, the oldest leave until they take half of it.
    Before that all itemsets are mined down to θ = max(ε, ``FINEST``) N, and what the leaving baskets hold of these is
    noted (:class:`~crm_online.itemsets.evicted.Evicted`). Any other itemset has a true weight of at most θ then, and
    of its baskets that have left at most θ too: this is its error, unless one of its subsets says less. N grows, and so
    does θ; hence the error is at most ε N as long as the itemsets at ε fit into a quarter of the budget. Where they
    do not, the lightest are dropped and θ is the weight of the heaviest of these.

    *Nothing frequent is missed* at or above ``achieved_epsilon``, which is 0 until a basket has left. Work is bounded
    as well: where baskets are so alike and so wide that too many itemsets would have to be tried, only the heaviest are
    made larger, and ``achieved_epsilon`` says from where on nothing was left out.

    Parameters
    ----------
    epsilon
        Largest error as a share of N that is asked for, once baskets have left.
    decay
        How the weight of a basket fades.
    max_size
        Items in an itemset, 1 to 6.
    max_bytes
        Budget of the baskets; above it ``achieved_epsilon`` rises.

    Raises
    ------
    InvalidSetting
        If a parameter is out of its range.

    Notes
    -----
    Errors of what has left go back to Manku and Motwani: Approximate frequency counts over data streams, VLDB 2002.
    Counting is a function of the state and the batches alone.

    Examples
    --------
    >>> counters = ItemsetCounters(epsilon=0.0, decay=Decay(None), max_size=2, max_bytes=10**6)
    >>> counters.count(Baskets.of([(0, [1, 2]), (0, [1, 2, 3]), (0, [3])]))
    >>> counters.baskets(as_of=0)
    3.0
    >>> sets = counters.frequent(min_support=0.5, as_of=0)
    >>> sets.items[:, :2].tolist(), sets.count.tolist()
    ([[1, -1], [2, -1], [3, -1], [1, 2]], [2.0, 2.0, 2.0, 2.0])
    """

    def __init__(self, epsilon: float, decay: Decay, max_size: int, max_bytes: int) -> None:
        if not 0 <= epsilon <= 1:
            raise InvalidSetting(f"itemsets.epsilon must be from 0 to 1, not {epsilon}")
        if not 1 <= max_size <= MAX_SIZE:
            raise InvalidSetting(f"itemsets.max_size must be from 1 to {MAX_SIZE}, not {max_size}")
        if max_bytes < 1:
            raise InvalidSetting(f"itemsets.max_bytes must be positive, not {max_bytes}")
        self.epsilon, self.max_size, self.max_bytes = epsilon, max_size, max_bytes
        self.weights = BasketWeights(decay.half_life)
        self.kept = KeptBaskets()
        self.evicted = Evicted()
        self._items = np.zeros(0, np.int64)
        self._weight = 0
        self._latest: int | None = None
        self._is_followed, self._withdrawn = False, list[Baskets]()
        self._begin_anew()

    @property
    def bytes(self) -> int:
        """Bytes that the baskets take, and what is known of those that left, as the budget counts them."""
        return self.kept.bytes + self.evicted.bytes + len(self._items) * _ITEM_BYTES

    @property
    def achieved_epsilon(self) -> float:
        """The share of the baskets up to which an itemset may be absent, or its count too small; 0: none is.

        What too many candidates left out is known once itemsets were asked for.
        """
        return self._missed / self._total if self._missed else 0.0

    @property
    def latest(self) -> int | None:
        """The largest time of a basket, ms; ``None`` before the first."""
        return self._latest

    def count(self, batch: Baskets, withdrawn: Baskets | None = None) -> None:
        """Count baskets, and take back some that were counted before; empty ones count for nothing.

        Parameters
        ----------
        withdrawn
            Baskets that are counted no more; each was counted with the same time and items.

        Raises
        ------
        StateCorrupt
            If a basket was never counted.
        """
        batch = batch.filled()
        if len(batch):
            self._count(batch)
        if withdrawn is not None and len(withdrawn):
            self._withdraw(withdrawn.filled())

    def take_changes(self) -> tuple[Baskets, Baskets] | None:
        """Return the baskets that came and those that were withdrawn since the last call.

        They are for counters that pool the baskets of several partitions. ``None`` means that these must count all kept
        baskets anew; it is returned at the first call, and after these counters were asked for itemsets themselves.
        """
        if not self._is_followed:
            self._begin_anew()
            self._added, self._is_followed = self.kept.places, True
            return None
        changes = self.kept.between(self._added, self.kept.places), Baskets.joined(self._withdrawn)
        self._added, self._withdrawn = self.kept.places, []
        return changes

    def settle(self, evicted: Sequence[tuple[Evicted, BasketWeights]]) -> None:
        """Choose the weights anew: as if all kept baskets had just been counted at once, and nothing been withdrawn.

        So the weights, and with them all roundings, depend on what is kept alone, not on how it came about.

        Parameters
        ----------
        evicted
            What is known of baskets that were evicted elsewhere, and what these weigh by.
        """
        if not len(self.kept) and not evicted:
            return
        self._latest = int(self.kept.all().times.max(initial=0))
        first = BasketWeights(self.weights.half_life).fitting(self._latest, 0.0)
        total = sum(
            (one.weight * weights.shift(first) for one, weights in evicted), self._weight * self.weights.shift(first)
        )
        weights = first.fitting(self._latest, total)
        if weights != self.weights:
            self.weights = weights
            self._recount()
        self.evicted = Evicted.pooled([one.scaled(before.shift(weights)) for one, before in evicted])
        self._know_items(len(self.evicted.items))

    def baskets(self, as_of: int) -> float:
        """Return the decayed number of baskets as of a time in ms."""
        return self._total * self.weights.reading(as_of)

    def dump(self) -> Chunks:
        """Return the whole state as chunks of at most 8 MiB; ``load`` gives a twin that counts on bit by bit alike."""
        return encoding.encode(
            encoding.Saved(
                (self.epsilon, self.max_size, self.max_bytes), self.weights, self._latest, self.kept.all(), self.evicted
            )
        )

    @classmethod
    def load(cls, chunks: Chunks) -> Self:
        """Return the counters of a dump.

        Raises
        ------
        StateTooNew
            If a newer version wrote it.
        StateCorrupt
            If no version wrote it, an older one did, or bytes are missing or changed.
        """
        saved = encoding.decode(chunks)
        epsilon, max_size, max_bytes = saved.settings
        counters = cls(epsilon, Decay(saved.weights.half_life), max_size, max_bytes)
        counters.weights, counters.evicted, counters._latest = saved.weights, saved.evicted, saved.latest
        counters.kept.append(saved.kept)
        known = max(int(saved.kept.items.max(initial=-1)) + 1, len(saved.evicted.items))
        counters._items = np.zeros(known, np.int64)
        counters._recount()
        return counters

    def items(self, as_of: int) -> NDArray[np.float64]:
        """Return the counts of single items by id, which are exact."""
        return self._item_weights().astype(np.float64) * self.weights.reading(as_of)

    def basket_shares(self, as_of: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, by item id, the decayed sum of 1 / size over the kept baskets with the item, and their number."""
        kept = self.kept.all()
        weights = self._weights_of(kept)
        lengths = np.diff(kept.start)
        each = np.ones(len(kept)) if weights is None else weights.astype(np.float64)
        sums = np.zeros(len(self._items))
        np.add.at(sums, kept.items, np.repeat(each / lengths, lengths))
        factor = self.weights.reading(as_of)
        return sums * factor, self._items.astype(np.float64) * factor

    def pairs(self, as_of: int) -> Itemsets:
        """Return all pairs that come in a kept basket, frequent or not, in a fixed order.

        Where there are too many for the budget, those of the rarest items are left out.
        """
        kept, chosen = self._kept(), np.flatnonzero(self._items)
        most = max(self.max_bytes // 16, 1)
        order = np.argsort(-self._items[chosen], kind="stable")
        lengths = np.diff(kept.baskets.start)
        if int((lengths * (lengths - 1) // 2).sum()) > most:
            chosen = np.sort(chosen[order[: _most_items(kept.baskets, chosen[order], most)]])
        keys, counts = count_pairs(kept.baskets, kept.weights, chosen)
        items = np.full((len(keys), WIDTH), NO_ITEM, np.int32)
        items[:, 0], items[:, 1] = keys >> 32, keys & 0xFFFFFFFF
        low, high = self.evicted.bounds(items[:, :2].astype(np.int64))
        return self._read(items, counts + low, high - low, as_of)

    def frequent(self, min_support: float, as_of: int, *, upper: bool = True) -> Itemsets:
        """Return the itemsets with at least this share of the baskets, by size and then by items.

        Parameters
        ----------
        min_support
            Share of the decayed number of baskets.
        as_of
            Time to which weights are decayed, ms.
        upper
            Judge by the upper bound, so that none is missed while ``achieved_epsilon`` ≤ ``min_support``; else by the
            count, so that none is there that is not frequent.
        """
        least = min_support * self._total
        mined = self._mined(least)
        width = max(WIDTH, self.max_size)
        items = np.full((sum(len(sets.items) for sets in mined), width), NO_ITEM, np.int32)
        begin = 0
        for sets in mined:
            items[begin : begin + len(sets.items), : sets.items.shape[1]] = sets.items
            begin += len(sets.items)
        low = np.concatenate([sets.least for sets in mined])
        high = np.concatenate([sets.most for sets in mined])
        if not upper:
            chosen = low >= least * (1 - SLACK)
            items, low, high = items[chosen], low[chosen], high[chosen]
        return self._read(items, low, high - low, as_of, self._missed)

    def lookup(self, items: NDArray[np.int32], as_of: int) -> Itemsets:
        """Return the bounds of any itemsets, frequent or not, of any size.

        Parameters
        ----------
        items
            Ascending ids padded with -1, shape (n, width). An id that was never seen makes both bounds 0.
        as_of
            Time to which weights are decayed, ms.
        """
        low, high = np.zeros(len(items), np.int64), np.zeros(len(items), np.int64)
        known = items.max(axis=1, initial=NO_ITEM) < len(self._items)
        sizes = np.count_nonzero(items != NO_ITEM, axis=1)
        single = np.flatnonzero(known & (sizes == 1))
        low[single] = high[single] = self._item_weights()[items[single, 0]]
        kept = self._kept()
        for size in range(2, items.shape[1] + 1):
            rows = np.flatnonzero(known & (sizes == size))
            sets = items[rows, :size].astype(np.int64)
            counts = vertical.count(sets, kept.baskets, kept.weights)
            low[rows], high[rows] = counts, counts
            if self.evicted and size <= self.max_size:
                least, most = self.evicted.bounds(sets)
                low[rows] += least
                high[rows] += most
            elif self.evicted:
                high[rows] += self.evicted.of_items(sets).min(axis=1, initial=self.evicted.weight)
        return self._read(items, low, high - low, as_of)

    @property
    def _missed(self) -> int:
        return max(self.evicted.floor, self._border.left_out)

    @property
    def _total(self) -> int:
        return self._weight + self.evicted.weight

    def _item_weights(self) -> NDArray[np.int64]:
        return self._items + self.evicted.of_items(np.arange(len(self._items)))

    def _read(
        self, items: NDArray[np.int32], low: NDArray[np.int64], error: NDArray[np.int64], as_of: int, missed: int = 0
    ) -> Itemsets:
        factor = self.weights.reading(as_of)
        return Itemsets(items, low.astype(np.float64) * factor, error.astype(np.float64) * factor, missed * factor)

    def _weights_of(self, baskets: Baskets) -> NDArray[np.int64] | None:
        return None if self.weights.half_life is None else self.weights.of(baskets.times)

    def _kept(self) -> WeightedBaskets:
        every = self.kept.all()
        return WeightedBaskets(every, self._weights_of(every), self._items)

    def _begin_anew(self) -> None:
        """Forget what was mined: the next mining counts all kept baskets."""
        self._border = Border(self.max_size)
        self._added = 0
        self._is_followed, self._withdrawn = False, []

    def _count(self, batch: Baskets) -> None:
        latest = int(batch.times.max())
        self._latest = latest if self._latest is None else max(latest, self._latest)
        self._suit(batch)
        self._know_items(int(batch.items.max()) + 1)
        self.kept.append(batch)
        self._add_items(batch, 1)
        if self.kept.bytes + len(self._items) * _ITEM_BYTES > self.max_bytes - self.evicted.bytes:
            self._evict()

    def _know_items(self, number: int) -> None:
        if number > len(self._items):
            self._items = np.concatenate([self._items, np.zeros(number - len(self._items), np.int64)])

    def _suit(self, batch: Baskets) -> None:
        """Move the origin of the weights forward if they, or their sum, would not fit into an int64 with this batch."""
        assert self._latest is not None
        weights = self.weights.fitting(self._latest, float(self._total))
        total = self._total * self.weights.shift(weights) + float(weights.of(batch.times).sum(dtype=np.float64))
        self._weigh_by(weights.fitting(self._latest, total))

    def _suit_what_is_left(self) -> None:
        """Move the origin of the weights back if the baskets that are left are so old that rounding would matter."""
        if self.weights.half_life is None or not len(self.kept) or self._total >= SMALLEST_SUM:
            return
        times = self.kept.all().times
        self._latest = int(times.max())
        weights = BasketWeights(self.weights.half_life).fitting(self._latest, 0.0)
        evicted = self.evicted.weight * self.weights.shift(weights) if self.evicted.weight else 0.0
        total = evicted + float(weights.of(times).sum(dtype=np.float64))
        self._weigh_by(weights.fitting(self._latest, total))

    def _weigh_by(self, weights: BasketWeights) -> None:
        if weights != self.weights:
            self.evicted = self.evicted.scaled(self.weights.shift(weights))
            self.weights = weights
            self._recount()

    def _recount(self) -> None:
        self._items[:] = 0
        self._weight = 0
        self._add_items(self.kept.all(), 1)
        self._begin_anew()

    def _add_items(self, baskets: Baskets, sign: int) -> None:
        weights = self._weights_of(baskets)
        if weights is None:
            self._weight += sign * len(baskets)
            np.add.at(self._items, baskets.items, sign)
        else:
            self._weight += sign * int(weights.sum())
            np.add.at(self._items, baskets.items, sign * np.repeat(weights, np.diff(baskets.start)))

    def _withdraw(self, baskets: Baskets) -> None:
        places = self.kept.find(baskets)
        lost = np.flatnonzero(places < 0)
        if len(lost) and not self.evicted:
            raise StateCorrupt("a basket is to be withdrawn that was never counted")
        for row in lost.tolist():
            one = baskets.between(row, row + 1)
            self.evicted = self.evicted.without(one.items.astype(np.int64), int(self.weights.of(one.times)[0]))
            self._begin_anew()
        found = np.flatnonzero(places >= 0)
        here = baskets.take(found)
        self._add_items(here, -1)
        counted = found[places[found] < self._added]
        if len(counted):
            self._withdrawn.append(baskets.take(counted))
        self.kept.remove(places[found])
        self._added = self.kept.compact(self._added)
        self._suit_what_is_left()

    def _mined(self, least: float) -> list[Mined]:
        """Return the itemsets of which the upper bound reaches a weight, by size."""
        items = self._item_weights()
        single = np.flatnonzero(items >= max(least * (1 - SLACK), 1))
        found = [Mined(single[:, None], items[single], items[single])]
        if self.max_size == 1 or not self._total:
            return found
        if self._is_followed:
            self._begin_anew()
        late = self.kept.between(self._added, self.kept.places)
        withdrawn = Baskets.joined(self._withdrawn)
        if 2 * (len(late) + len(withdrawn)) > len(self.kept):
            self._begin_anew()
        else:
            self._border.add(late, self._weights_of(late))
            self._border.add(withdrawn, self._weights_of(withdrawn), -1)
        self._added, self._withdrawn = self.kept.places, []
        return found + self._border.mine(self._kept(), self.evicted, least)

    def _evict(self) -> None:
        """Let the oldest baskets leave, and note what they hold of the itemsets down to θ."""
        theta = max(self.epsilon, FINEST) * self._total
        mined = self._mined(max(theta, self.evicted.floor + 1))[1:]
        floor = max(theta, self.evicted.floor, self._border.left_out) if self.max_size > 1 else 0
        room = max(self.max_bytes - 2 * len(self._items) * _ITEM_BYTES, 0)
        every = self.kept.all()
        order = np.argsort(every.times, kind="stable")
        sizes = np.cumsum((BASKET_BYTES + ITEM_BYTES * np.diff(every.start))[order])
        number = int(np.searchsorted(sizes, sizes[-1] - _STAYS * room)) + 1
        leaving = self.kept.drop(np.sort(order[:number]))
        weights = self._weights_of(leaving)
        before = self._items.copy(), self._weight
        self._add_items(leaving, -1)
        new = Evicted(len(leaving), before[1] - self._weight, before[0] - self._items, math.ceil(floor))
        sets = [self.evicted.with_more(some, vertical.count(some.items, leaving, weights)) for some in mined]
        self.evicted = self.evicted.followed_by(new, sets, int(_SETS * room))
        self._begin_anew()


def _most_items(baskets: Baskets, items: NDArray[np.int64], most: int) -> int:
    """Return how many of the first of some items may have pairs, so that there are not more than ``most``."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high + 1) // 2
        chosen = np.zeros(int(baskets.items.max(initial=0)) + 1, bool)
        chosen[items[:middle]] = True
        lengths = np.add.reduceat(chosen[baskets.items], baskets.start[:-1], dtype=np.int64)
        low, high = (middle, high) if int((lengths * (lengths - 1) // 2).sum()) <= most else (low, middle - 1)
    return low
