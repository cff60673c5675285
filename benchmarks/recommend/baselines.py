"""Simple ways to recommend, as strong as they get: they see every basket before the month, counted exactly.

All leave out what is in the basket, and fill up with what is most popular. Baskets weigh as in the state's
counters by default: half after 180 days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.recommend.month import Basket, Hidden
from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.itemsets.reading import NO_ITEM
from crm_online.rules.derive import derive
from crm_online.settings.units import DAY

TOP = 10
Way = Callable[[Hidden], Sequence[str]]
"""Returns the items that are recommended beside a basket's rest, the best first."""
_HALF_LIFE = 180 * DAY
_RECENT = 30 * DAY
_BYTES = 1_000_000_000
_AT_ONCE = 2000


class Learned:
    """What the baskets before the month say.

    Parameters
    ----------
    baskets
        The baskets.
    """

    def __init__(self, baskets: Sequence[Basket]) -> None:
        self._baskets = sorted(baskets, key=lambda basket: basket.time)
        self.names = sorted({item for basket in baskets for item in basket.items})
        self.ids = {name: number for number, name in enumerate(self.names)}
        self._rows = [np.array([self.ids[item] for item in basket.items]) for basket in self._baskets]
        self._times = np.array([basket.time for basket in self._baskets])
        self.weights: NDArray[np.float64] = np.exp2((self._times - self._times[-1]) / _HALF_LIFE)
        self.popular = self._counts(self.weights)

    def most_popular(self) -> Way:
        """Recommend what most baskets have."""
        return self._by(lambda _: self.popular)

    def most_popular_of_all(self) -> Way:
        """Recommend what most baskets have had, without decay."""
        counts = self._counts(np.ones(len(self.weights)))
        return self._by(lambda _: counts)

    def most_popular_lately(self) -> Way:
        """Recommend what most baskets of the last 30 days have."""
        counts = self._counts((self._times > self._times[-1] - _RECENT).astype(np.float64))
        return self._by(lambda _: counts)

    def own_history(self, *, decayed: bool) -> Way:
        """Recommend what most baskets of the customer had."""
        bought: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        for basket, row, weight in zip(self._baskets, self._rows, self.weights.tolist(), strict=True):
            if basket.customer is not None:
                for item in row.tolist():
                    bought[basket.customer][item] += weight if decayed else 1.0
        return self._by(lambda hidden: self._scores(bought.get(hidden.customer or "", {})))

    def pairs(self, measure: str, min_support: float = 0.0, baskets: float = 0.0) -> Way:
        """Recommend by the best pair of an item of the basket and another one, from a support or number on."""
        least = max(baskets, min_support * float(self.weights.sum()))
        confidence = np.where(self._together >= least, self._together, 0.0) / self.popular[:, None]
        scores = confidence if measure == "confidence" else confidence * self.weights.sum() / self.popular

        def scored(hidden: Hidden) -> NDArray[np.float64]:
            rest = [self.ids[item] for item in hidden.rest if item in self.ids]
            best: NDArray[np.float64] = scores[rest].max(axis=0) if rest else np.zeros(len(self.names))
            return best

        return self._by(lambda hidden: self._filled(scored(hidden)))

    def nearest(self) -> Way:
        """Recommend what is nearest to the items of the basket together: the sum of their cosines (item-kNN)."""
        length = np.sqrt(self.popular)
        cosines = self._together / length[:, None] / length
        np.fill_diagonal(cosines, 0.0)

        def scored(hidden: Hidden) -> NDArray[np.float64]:
            rest = [self.ids[item] for item in hidden.rest if item in self.ids]
            near: NDArray[np.float64] = cosines[rest].sum(axis=0)
            return near

        return self._by(lambda hidden: self._filled(scored(hidden)))

    def rules(self, min_support: float) -> dict[str, Way]:
        """Recommend by the best rule of up to 3 items whose antecedent is in the basket, by confidence or lift."""
        # An item that is not frequent is in no rule, so its sets need not be counted.
        frequent = self.popular >= min_support * self.weights.sum()
        rows = [row[frequent[row]].tolist() for row in self._rows]
        counters = ItemsetCounters(min_support / 10, Decay(_HALF_LIFE), 3, _BYTES)
        for begin in range(0, len(rows), _AT_ONCE):
            batch = zip(self._times[begin : begin + _AT_ONCE].tolist(), rows[begin : begin + _AT_ONCE], strict=True)
            counters.count(Baskets.of(list(batch)))
        # Baskets of which nothing is left are not counted: supports are judged by those that are.
        least = min_support * self.weights.sum() / counters.baskets(int(self._times[-1]))
        found = merge([PartitionCounters(counters, self.names, self.ids)], int(self._times[-1]), least)
        table = derive(found, least, 0.0)
        single = np.flatnonzero(table.consequent[:, 1] == NO_ITEM)
        ids = np.array([*(self.ids[name] for name in found.names), NO_ITEM])
        # Names are ascending in both, so antecedents stay ascending too.
        antecedents, place = np.unique(ids[table.antecedent[single]], axis=0, return_inverse=True)
        order = np.argsort(place.ravel(), kind="stable")
        starts = np.searchsorted(place.ravel()[order], np.arange(len(antecedents) + 1))
        having = {
            tuple(item for item in antecedent if item != NO_ITEM): order[begin:end]
            for antecedent, (begin, end) in zip(antecedents.tolist(), pairwise(starts.tolist()), strict=True)
        }
        then = ids[table.consequent[single, 0]]

        def best(hidden: Hidden, values: NDArray[np.float64]) -> NDArray[np.float64]:
            rest = sorted(self.ids[item] for item in hidden.rest if item in self.ids)
            scores = np.zeros(len(self.names))
            for antecedent in (*((item,) for item in rest), *combinations(rest, 2)):
                chosen = having.get(antecedent)
                if chosen is not None:
                    scores[then[chosen]] = np.maximum(scores[then[chosen]], values[chosen])
            return self._filled(scores)

        confidence, lift = table.measures.confidence[single], table.measures.lift[single]
        return {
            "confidence": self._by(lambda hidden: best(hidden, confidence)),
            "lift": self._by(lambda hidden: best(hidden, lift)),
        }

    @cached_property
    def _together(self) -> NDArray[np.float64]:
        """The decayed number of baskets with each two items."""
        counts = np.zeros((len(self.names), len(self.names)))
        for row, weight in zip(self._rows, self.weights.tolist(), strict=True):
            counts[np.ix_(row, row)] += weight
        return counts

    def _counts(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.zeros(len(self.names))
        for row, weight in zip(self._rows, weights.tolist(), strict=True):
            counts[row] += weight
        return counts

    def _scores(self, bought: dict[int, float]) -> NDArray[np.float64]:
        scores = np.zeros(len(self.names))
        scores[list(bought)] = list(bought.values())
        return self._filled(scores)

    def _filled(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let popularity decide between equals, and behind all that have a score."""
        return scores + self.popular * (1e-9 / float(self.popular.max()))

    def _by(self, scored: Callable[[Hidden], NDArray[np.float64]]) -> Way:
        def way(hidden: Hidden) -> list[str]:
            scores = scored(hidden).copy()
            scores[[self.ids[item] for item in hidden.rest if item in self.ids]] = -np.inf
            return [self.names[item] for item in np.argsort(-scores, kind="stable")[:TOP].tolist()]

        return way
