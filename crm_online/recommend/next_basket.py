"""Weights for the next basket, learned from sampled orders that are guessed by what their customers bought before.

An example is its customer as of before the order, and the order is removed from the counts: it is guessed before it is
learned. How well a set of weights does is a mean over customers, in each of which the orders count alike. The weights
used are a mean over a grid, of those that chance cannot separate from the best more than of others: on two halves of a
log it differs less than the best of the grid does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.own import MOST_ITEMS
from crm_online.recommend.examples import Example, ItemFigures, ScoreWeights

PRIORS = (1e5, 1e4, 1e3, 300.0, 100.0, 30.0, 18.0, 10.0, 6.0, 3.0, 1.8, 1.0)
RECENT = (0.0, 0.5, 1.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The grid: the weights that are tried."""
CANDIDATES = 256
"""Items that every customer may be recommended in learning: those that most baskets have."""
GUESSED = 8
"""Items of an order that are looked for, at most: drawn at random."""
_FIRST = 10.0
_SEED = 7


def next_basket_weights(
    figures: ItemFigures, top: NDArray[np.int64], examples: Sequence[Example]
) -> tuple[ScoreWeights, ScoreWeights]:
    """Return the weights for customers with a history, and for those of whom nothing is known.

    Parameters
    ----------
    figures
        Of all items.
    top
        Ids of the items that are candidates for all customers, ascending.
    examples
        The sampled orders; none of them empty.
    """
    baskets = NextBasketExamples.of(figures, top, examples)
    known = [ScoreWeights(prior=prior, recent=recent, share=share) for prior, recent, share in _grid(PRIORS)]
    unknown = [ScoreWeights(prior=np.inf, recent=recent, share=share) for _, recent, share in _grid((np.inf,))]
    with_history = baskets.importance * (baskets.orders[:, 0] > 0)
    first = _mean(unknown, baskets, baskets.importance)
    return (_mean(known, baskets, with_history) if with_history.any() else first), first


def _grid(priors: Sequence[float]) -> list[tuple[float, float, float]]:
    return list(product(priors, RECENT, SHARES))


def _mean(tried: Sequence[ScoreWeights], baskets: NextBasketExamples, importance: NDArray[np.float64]) -> ScoreWeights:
    """Return the mean of weights, each by how likely it is that it does as well as the best."""
    importance = importance / importance.sum()
    quality = np.stack([baskets.quality(one) for one in tried])
    deficit = quality[(quality @ importance).argmax()] - quality
    mean = deficit @ importance
    error = np.sqrt((deficit - mean[:, np.newaxis]) ** 2 @ importance**2)
    likely = np.exp(-0.5 * (mean / np.maximum(error, 1e-12)) ** 2)
    likely /= likely.sum()
    prior, recent, share = np.array([(np.log(one.prior), one.recent, one.share) for one in tried]).T
    return ScoreWeights(prior=float(np.exp(likely @ prior)), recent=float(likely @ recent), share=float(likely @ share))


@dataclass(frozen=True, slots=True, eq=False)
class NextBasketExamples:
    """Orders of n examples, guessed among k candidates each: popular items, and what the customer bought before.

    Attributes
    ----------
    row, column
        Where each item that is looked for is among the candidates, int64[m].
    ideal
        The sum of discounts if the items that are looked for came first, those that are no candidates included;
        float64[n].
    importance
        1 / number of the examples of the same customer, float64[n].
    popular, recent, own
        float32[n, k]: popularity in all baskets and in the other examples, the customer's orders with each.
    orders
        float32[n, 1]: the customer's orders.
    share
        float32[n, k]: the candidates' mean shares of baskets; 0 where there is no candidate.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    ideal: NDArray[np.float64]
    importance: NDArray[np.float64]
    popular: NDArray[np.float32]
    recent: NDArray[np.float32]
    own: NDArray[np.float32]
    orders: NDArray[np.float32]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, figures: ItemFigures, top: NDArray[np.int64], examples: Sequence[Example]) -> Self:
        """Gather the examples.

        Parameters
        ----------
        top
            Ids of the items that are candidates for all customers, ascending.
        """
        draw = np.random.default_rng(_SEED)
        width = len(top) + MOST_ITEMS
        ids = np.zeros((len(examples), width), np.int64)
        ids[:, : len(top)] = top
        there = np.zeros((len(examples), width), bool)
        there[:, : len(top)] = True
        has, own = np.zeros((len(examples), width), bool), np.zeros((len(examples), width), np.float32)
        row, column, drawn = list[int](), list[int](), np.zeros(len(examples), np.int64)
        for number, one in enumerate(examples):
            mine = np.array(sorted(one.own), np.int64)
            place, is_top = _places(top, mine)
            place[~is_top] = len(top) + np.arange(int((~is_top).sum()))
            ids[number, place], there[number, place] = mine, True
            own[number, place] = [one.own[item] for item in mine.tolist()]
            item, is_top = _places(top, one.items)
            other, is_own = _places(mine, one.items)
            item[is_own] = place[other[is_own]]
            known = is_top | is_own
            has[number, item[known]] = True
            chosen = draw.permutation(len(one.items))[:GUESSED]
            drawn[number] = len(chosen)
            found = item[chosen][known[chosen]].tolist()
            row += [number] * len(found)
            column += found
        number_of = Counter(one.customer for one in examples)
        importance = [1.0 if one.customer is None else 1 / number_of[one.customer] for one in examples]
        ideal = np.cumsum(1 / np.log2(2 + np.arange(GUESSED)))[np.maximum(drawn, 1) - 1]
        weight = np.array([one.weight for one in examples])
        popular, recent = figures.popularity(ids, has, weight, len(examples))
        orders = np.array([one.orders for one in examples], np.float32)[:, np.newaxis]
        return cls(
            row=np.array(row, np.int64),
            column=np.array(column, np.int64),
            ideal=ideal,
            importance=np.array(importance),
            popular=popular,
            recent=recent,
            own=own,
            orders=orders,
            share=np.where(there, figures.share[ids], 0.0).astype(np.float32),
        )

    def quality(self, weights: ScoreWeights) -> NDArray[np.float64]:
        """Return how far in front the items of each example come.

        It is NDCG (Järvelin and Kekäläinen 2002) of which the discounts go on behind ten items, steeper than there:
        where NDCG@10 has a step, small samples say little.
        """
        popular = (1 - weights.recent) * self.popular + weights.recent * self.recent
        own = (np.minimum(self.own, self.orders) - self.orders * popular) / (self.orders + np.float32(weights.prior))
        # Where there is no candidate, the score is below all others.
        score = np.where(self.share > 0, (popular + own) * self.share ** np.float32(weights.share), -np.inf)
        guessed = score[self.row, self.column][:, np.newaxis]
        among = score[self.row]
        before = (among > guessed).sum(axis=1) + ((among == guessed).sum(axis=1) - 1) / 2
        gain = _FIRST / (_FIRST + before) / np.log2(2 + before)
        return np.bincount(self.row, gain, minlength=len(self.ideal)) / self.ideal


def _places(ids: NDArray[np.int64], sought: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where some ids are among others that ascend, and which are."""
    place = np.searchsorted(ids, sought)
    found = np.append(ids, -1)[place] == sought
    return place, found
