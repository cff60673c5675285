"""Weights of recommendations learned from the shop's own log: each sampled order is guessed before it is learned.

How far own habits, ties between items and the last weeks are to be trusted differs from shop to shop. So the latest
orders that the state keeps are guessed, one by one, with their customers as they stood before and without the order in
the counts: for answers beside a basket some of their items, for answers without one the whole order. Those weights are
chosen by which their items come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from crm_online.recommend.examples import Example, ItemFigures, ScoreWeights
from crm_online.recommend.next_basket import CANDIDATES, next_basket_weights
from crm_online.recommend.regression import inverse

GRIDS = {
    "ridge": (1e5, 3e4, 1e4, 3e3, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0),
    "prior": (1e12, 1e4, 1e3, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3),
    "recent": (0.0, 0.25, 0.5, 0.75, 1.0),
    "ties": (1.0, 0.5, 2.0),
    "share": (0.0, 0.25, 0.5, 0.75, 1.0),
}
"""The weights that are tried: first what adds least to popularity. Of those that chance cannot separate from the
best, the first is used."""
ITEMS = 512
"""Items that are guessed among: those that most baskets have."""
ORDERS = 1024
"""Orders that are guessed, at most: the latest."""
FEWEST = 64
"""With fewer hidden items nothing is learned, and the weights are those of ``ScoreWeights()``."""
CHANCE = 1.0
"""Standard errors of a difference that count as chance."""
_HIDDEN = 2
_FIRST = 10.0
_SEED = 6


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights for answers, and from how many hidden items they were learned.

    Attributes
    ----------
    basket
        Beside a basket.
    alone
        Without one, for a customer who bought before.
    first
        Without one, for a customer of whom nothing is known.
    """

    basket: ScoreWeights = field(default_factory=ScoreWeights)
    alone: ScoreWeights = field(default_factory=ScoreWeights)
    first: ScoreWeights = field(default_factory=ScoreWeights)
    hidden: int = 0


def learn(
    figures: ItemFigures, top: NDArray[np.int64], matrix: NDArray[np.float64], examples: Sequence[Example]
) -> Learned:
    """Return the weights by which the items of sampled orders come first.

    Parameters
    ----------
    figures
        Of all items.
    top
        Ids of the items that are guessed among, ascending; without a basket, the customer's own too.
    matrix
        Number of baskets with each two of ``top``, see :func:`crm_online.recommend.regression.together`.
    examples
        The sampled orders.
    """
    examples = examples[-ORDERS:]
    guesses = _Guesses.of(figures, top, matrix, examples)
    if guesses is None or len(guesses.hidden) < FEWEST:
        return Learned()
    most = np.sort(top[np.argsort(-figures.count[top], kind="stable")[:CANDIDATES]])
    alone, first = next_basket_weights(figures, most, [one for one in examples if len(one.items)])
    return Learned(_best(guesses), alone, first, len(guesses.hidden))


def _best(guesses: _Guesses) -> ScoreWeights:
    """Choose one weight after the other, each twice."""
    weights = ScoreWeights()
    for name in (*GRIDS, *GRIDS):
        tried = [replace(weights, **{name: value}) for value in GRIDS[name]]
        found = np.stack([guesses.quality(one) for one in tried])
        deficit = found[found.mean(axis=1).argmax()] - found
        # Paired differences: rows in which both guess alike add nothing to the deficit.
        chance = deficit.std(axis=1) / np.sqrt(deficit.shape[1])
        weights = tried[int(np.argmax(deficit.mean(axis=1) <= CHANCE * chance))]
    return weights


@dataclass(slots=True)
class _Guesses:
    """Hidden items, one row each: what is known without their order; all matrices are float32[n, k]."""

    hidden: NDArray[np.int64]
    basket: NDArray[np.bool_]
    popular: NDArray[np.float32]
    recent: NDArray[np.float32]
    own: NDArray[np.float32]
    orders: NDArray[np.float32]
    share: NDArray[np.float32]
    order_of: NDArray[np.int64]
    has: NDArray[np.float64]
    weight: NDArray[np.float64]
    matrix: NDArray[np.float64]
    _ties: dict[float, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        figures: ItemFigures,
        top: NDArray[np.int64],
        matrix: NDArray[np.float64],
        examples: Sequence[Example],
    ) -> _Guesses | None:
        index = np.full(len(figures.count), -1, np.int64)
        index[top] = np.arange(len(top))
        has = np.zeros((len(top), len(examples)))
        own, orders = np.zeros((len(examples), len(top))), np.zeros(len(examples))
        weight = np.array([one.weight for one in examples])
        draw = np.random.default_rng(_SEED)
        hidden, order_of = list[int](), list[int]()
        for number, one in enumerate(examples):
            items = index[one.items]
            items = items[items >= 0]
            has[items, number] = 1.0
            orders[number] = one.orders
            mine = index[np.fromiter(one.own, np.int64, len(one.own))]
            own[number, mine[mine >= 0]] = np.fromiter(one.own.values(), np.float64, len(one.own))[mine >= 0]
            if len(items) > 1:
                chosen = draw.permutation(items)[:_HIDDEN].tolist()
                hidden += chosen
                order_of += [number] * len(chosen)
        if not hidden:
            return None
        rows, which = np.array(order_of), np.array(hidden)
        popular, recent = figures.popularity(top, has.T > 0, weight, len(examples))
        basket = has.T[rows] > 0
        basket[np.arange(len(rows)), which] = False
        return cls(
            hidden=which,
            basket=basket,
            popular=popular[rows],
            recent=recent[rows],
            own=own[rows].astype(np.float32),
            orders=orders[rows].astype(np.float32),
            share=figures.share[top].astype(np.float32),
            order_of=rows,
            has=has,
            weight=weight,
            matrix=matrix,
        )

    def quality(self, weights: ScoreWeights) -> NDArray[np.float64]:
        """Return how far in front each hidden item comes: 10 / (10 + number of items before it)."""
        popular = (1 - weights.recent) * self.popular + weights.recent * self.recent
        orders = self.orders[:, np.newaxis]
        score = popular + (np.minimum(self.own, orders) - orders * popular) / (orders + np.float32(weights.prior))
        score += weights.ties * self._tied(weights.ridge)
        score *= self.share**weights.share
        score[self.basket] = -np.inf
        hidden = score[np.arange(len(score)), self.hidden][:, np.newaxis]
        before = (score > hidden).sum(axis=1) + ((score == hidden).sum(axis=1) - 1) / 2
        found: NDArray[np.float64] = _FIRST / (_FIRST + before)
        return found

    def _tied(self, ridge: float) -> NDArray[np.float32]:
        """Return what the rest of each basket adds by a regression that has not seen the order."""
        if ridge not in self._ties:
            inverted = inverse(self.matrix, ridge)
            # An order is removed from the counts by a rank one update (Sherman and Morrison) of their inverse.
            seen = inverted @ self.has
            reach = np.einsum("ij,ij->j", self.has, seen)
            factor = self.weight / np.maximum(1 - self.weight * reach, 1e-6)
            rows = self.order_of
            column, factor, reach = seen[:, rows], factor[rows], reach[rows]
            rest = column - inverted[:, self.hidden]
            reach = reach - column[self.hidden, np.arange(len(rows))]
            added = -(rest + factor * reach * column) / (np.diag(inverted)[:, np.newaxis] + factor * column**2)
            self._ties[ridge] = added.T.astype(np.float32)
        return self._ties[ridge]
