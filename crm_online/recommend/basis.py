"""What recommendations are made from: the counts of items and pairs, items' ties, and the learned weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.catalogue import CatalogueEntry
from crm_online.itemsets.parts import PartitionCounters
from crm_online.recommend.evidence import has_too_few_customers
from crm_online.recommend.examples import Example, ItemFigures
from crm_online.recommend.learning import ITEMS, Learned, learn
from crm_online.recommend.regression import coefficients, inverse, together, without_gain

TIED = 1024
"""Items whose ties to each other are a regression: those that most baskets have. For others single pairs speak."""

LEAST_RIDGE = 3.0
"""Least number of baskets, added to an item's own, as evidence of no ties, where a single pair is looked at."""

SHARE_PRIOR = 3.0
"""Baskets with the mean share of all that are added to an item's own."""

ABSENT = -1
"""Instead of the id of an item that no basket had."""


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The counts over all partitions, made for looking up what goes with an item; it never changes.

    Ids number the items that are in some basket, in the order of their names. The pairs are a sparse matrix: row a has
    an entry for each item b that is in baskets with a more often than in all baskets.

    Attributes
    ----------
    names, ids
        Names by id, ascending, and ids by name.
    count
        Decayed number of baskets with each item, float64[n].
    baskets
        Decayed number of all baskets.
    as_of
        The time that numbers are decayed to, in ms.
    start
        Row a is ``start[a]:start[a + 1]``, int64[n + 1].
    other
        b of each entry, int32[m].
    both
        Decayed number of baskets with a and b, float64[m].
    gain
        How much a adds to b, if no other item is looked at: the baskets with both less those that b's popularity lets
        expect, for each basket with a and a tenth of the learned ridge more (``LEAST_RIDGE`` at least); float64[m].
    tied, ties
        Ids of the items whose ties are a regression, int64[k], and what each of them (row) adds to each other one,
        float32[k, k].
    recent
        Share of the sampled orders that have each item, float64[n].
    basket_share
        Mean of 1 / size over the baskets with each item, as a multiple of the same over all lines; float64[n].
    learned
        How the parts of a score are weighed.
    catalogue, available
        What the shop says of its items, by name, and whether each item can be had as far as that says; bool[n].
    numbered
        For each partition the ids of its items by its own numbers, ``ABSENT`` if no basket had it.
    """

    names: Sequence[str]
    ids: Mapping[str, int]
    count: NDArray[np.float64]
    baskets: float
    as_of: int
    start: NDArray[np.int64]
    other: NDArray[np.int32]
    both: NDArray[np.float64]
    gain: NDArray[np.float64]
    tied: NDArray[np.int64]
    ties: NDArray[np.float32]
    recent: NDArray[np.float64]
    basket_share: NDArray[np.float64]
    learned: Learned
    catalogue: Mapping[str, CatalogueEntry]
    available: NDArray[np.bool_]
    numbered: Sequence[NDArray[np.int64]]

    @property
    def support(self) -> NDArray[np.float64]:
        """Share of all baskets that have each item, float64[n]."""
        return self.count / self.baskets if self.baskets > 0 else self.count

    @classmethod
    def of(
        cls,
        parts: Sequence[PartitionCounters],
        as_of: int,
        orders: Sequence[SampledFrom] = (),
        catalogue: Mapping[str, CatalogueEntry] | None = None,
        least: int = 1,
    ) -> Self:
        """Add up the counts of all partitions, and learn from the sampled orders how to weigh them.

        Counts are lower bounds, as in rules: what a pair may have missed before it was counted is left out. Of a pair
        that ``least`` of the sampled orders of nobody known have, and fewer customers, neither item adds anything to
        the other, where most orders are of known customers.

        Examples
        --------
        >>> from crm_online.decay import Decay
        >>> from crm_online.itemsets.baskets import Baskets
        >>> from crm_online.itemsets.counters import ItemsetCounters
        >>> counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
        >>> counters.count(Baskets.of([(0, [0, 1]), (0, [0, 1]), (0, [2])]))
        >>> part = PartitionCounters(counters, ["tea", "cup", "jug"], {"tea": 0, "cup": 1, "jug": 2})
        >>> basis = Basis.of([part], as_of=0)
        >>> basis.names, basis.both.tolist(), basis.gain.round(3).tolist()
        (['cup', 'jug', 'tea'], [2.0, 2.0], [0.133, 0.133])
        """
        local = [part.counters.items(as_of) for part in parts]
        names = sorted({part.names[i] for part, one in zip(parts, local, strict=True) for i in _bought(one)})
        ids = {name: number for number, name in enumerate(names)}
        numbered = [_numbered(part, one, ids) for part, one in zip(parts, local, strict=True)]
        count = np.zeros(len(names))
        for numbers, one in zip(numbered, local, strict=True):
            there = np.flatnonzero(numbers != ABSENT)
            count[numbers[there]] += one[there]
        baskets = float(sum(part.baskets(as_of) for part in parts))
        keys, both = _pairs(parts, numbered, as_of, len(names))
        left, right = keys // max(len(names), 1), keys % max(len(names), 1)
        examples = _examples(orders, numbered)
        support = count / baskets if baskets > 0 else count
        unproven = has_too_few_customers(examples, keys, len(names), least)
        most = np.argsort(-count, kind="stable")
        tied = np.sort(most[:TIED])
        matrix = together(tied, count, left, right, both)
        guessed = np.sort(most[:ITEMS])
        index = np.searchsorted(tied, guessed)
        has, share = _number_with_each(examples, len(names)), _basket_share(parts, numbered, as_of, len(names))
        learned = learn(ItemFigures(count, baskets, has, share), guessed, matrix[np.ix_(index, index)], examples)
        ridge = learned.basket.ridge
        # Only what the answer takes is changed: counts of pairs that no baskets have make no regression.
        ties = learned.basket.ties * coefficients(inverse(matrix, ridge))
        ties = without_gain(ties, tied, left[unproven], right[unproven])
        both = np.where(unproven, np.minimum(both, support[right] * count[left]), both)
        # Each pair twice: once in the row of each of its items.
        left, right, both = np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([both, both])
        gain = (both - support[right] * count[left]) / (count[left] + max(ridge / 10, LEAST_RIDGE))
        kept = np.flatnonzero(gain > 0)
        kept = kept[np.argsort(left[kept] * len(names) + right[kept])]
        start = np.searchsorted(left[kept], np.arange(len(names) + 1))
        return cls(
            names=names,
            ids=ids,
            count=count,
            baskets=baskets,
            as_of=as_of,
            start=start,
            other=right[kept].astype(np.int32),
            both=both[kept],
            gain=gain[kept],
            tied=tied,
            ties=ties.astype(np.float32),
            recent=has / len(examples) if examples else support,
            basket_share=share,
            learned=learned,
            catalogue=catalogue or {},
            available=np.array([_is_available(name, catalogue or {}) for name in names], bool),
            numbered=numbered,
        )

    def popularity(self, recent: float) -> NDArray[np.float64]:
        """Return each item's share of baskets, of which a share is that of the sampled orders."""
        popular: NDArray[np.float64] = (1 - recent) * self.support + recent * self.recent
        return popular

    def gains(self, antecedent: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the items that come with an item more often than by chance, and what it adds to them."""
        row = slice(self.start[antecedent], self.start[antecedent + 1])
        return self.other[row], self.gain[row]

    def pair(self, antecedent: int, consequent: int) -> float:
        """Return the number of baskets with both items; 0 where they come together no more often than by chance."""
        row = slice(self.start[antecedent], self.start[antecedent + 1])
        index = int(np.searchsorted(self.other[row], consequent))
        found = index < len(self.other[row]) and self.other[row][index] == consequent
        return float(self.both[row][index]) if found else 0.0


@dataclass(frozen=True, slots=True)
class SampledFrom:
    """An order that a partition keeps.

    Attributes
    ----------
    customer
        Whose it is; ``None``: unknown.
    partition, items
        The partition, and the items by its numbers.
    weight
        What it weighs in the counts.
    orders, own
        Decayed number of its customer's orders before it, and of those with each item by the partition's number.
    """

    customer: str | None
    partition: int
    items: Sequence[int]
    weight: float
    orders: float
    own: Mapping[int, float]


def _examples(orders: Sequence[SampledFrom], numbered: Sequence[NDArray[np.int64]]) -> list[Example]:
    found = []
    for one in orders:
        ids = numbered[one.partition]
        items = [int(ids[item]) for item in one.items if item < len(ids)]
        own = {int(ids[item]): count for item, count in one.own.items() if item < len(ids)}
        known = np.array([item for item in items if item != ABSENT], np.int64)
        own.pop(ABSENT, None)
        found.append(Example(one.customer, known, one.weight, one.orders, own))
    return found


def _number_with_each(examples: Sequence[Example], items: int) -> NDArray[np.float64]:
    every = np.concatenate([np.empty(0, np.int64), *(one.items for one in examples)])
    return np.bincount(every, minlength=items).astype(np.float64)


def _basket_share(
    parts: Sequence[PartitionCounters], numbered: Sequence[NDArray[np.int64]], as_of: int, items: int
) -> NDArray[np.float64]:
    """Return the mean of 1 / size over the baskets with each item, as a multiple of that over all lines."""
    sums, counts = np.zeros(items), np.zeros(items)
    for part, numbers in zip(parts, numbered, strict=True):
        there = np.flatnonzero(numbers != ABSENT)
        of_items, number = part.counters.basket_shares(as_of)
        sums[numbers[there]] += of_items[there]
        counts[numbers[there]] += number[there]
    if not counts.sum() > 0:
        return np.ones(items)
    mean = sums.sum() / counts.sum()
    share: NDArray[np.float64] = (sums / mean + SHARE_PRIOR) / (counts + SHARE_PRIOR)
    return share


def _is_available(name: str, catalogue: Mapping[str, CatalogueEntry]) -> bool:
    return name not in catalogue or catalogue[name].available


def _bought(counts: NDArray[np.float64]) -> list[int]:
    found: list[int] = np.flatnonzero(counts > 0).tolist()
    return found


def _numbered(part: PartitionCounters, counts: NDArray[np.float64], ids: Mapping[str, int]) -> NDArray[np.int64]:
    numbers = np.full(len(counts), ABSENT, np.int64)
    for number in _bought(counts):
        numbers[number] = ids[part.names[number]]
    return numbers


def _pairs(
    parts: Sequence[PartitionCounters], numbered: Sequence[NDArray[np.int64]], as_of: int, items: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of all partitions, the smaller id * items + the larger one, with their numbers of baskets."""
    keys, counts = [np.empty(0, np.int64)], [np.empty(0)]
    for part, numbers in zip(parts, numbered, strict=True):
        pairs = part.counters.pairs(as_of)
        sides = np.sort(numbers[pairs.items[:, :2]], axis=1)
        # Counts that have decayed altogether are 0, also of items in pairs.
        there = sides[:, 0] != ABSENT
        keys.append(sides[there, 0] * items + sides[there, 1])
        counts.append(pairs.count[there])
    every, count = np.concatenate(keys), np.concatenate(counts)
    if len(parts) == 1:
        return every, count
    distinct, index = np.unique(every, return_inverse=True)
    total = np.zeros(len(distinct))
    np.add.at(total, index, count)
    return distinct, total
