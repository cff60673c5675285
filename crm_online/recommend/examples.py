"""What weights are learned from: sampled orders as examples, the figures of all items, and the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """How the parts of a score are weighed.

    Attributes
    ----------
    ridge
        Baskets added to an item's own as evidence that it has no ties; see :mod:`crm_online.recommend.regression`.
    ties
        What the regression is multiplied by.
    prior
        Orders that popularity counts for, added to a customer's own.
    recent
        Share of the sampled orders in popularity; the rest are all orders.
    share
        Power of the item's mean share of its baskets that the whole score is multiplied by: 0 asks which items are in
        a basket, more rather how much of a basket they are.
    """

    ridge: float = 3.0
    ties: float = 1.0
    prior: float = 3.0
    recent: float = 0.0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Example:
    """A sampled order.

    Attributes
    ----------
    customer
        Whose it is; ``None``: unknown.
    items
        Ids of its items.
    weight
        What it weighs in the counts, which hold it.
    orders, own
        Decayed number of its customer's orders before it, and of those with each item by id, as of the last of
        them.
    """

    customer: str | None
    items: NDArray[np.int64]
    weight: float
    orders: float
    own: dict[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class ItemFigures:
    """What is known of all items, by id; arrays are float64[n].

    Attributes
    ----------
    count, baskets
        Decayed number of baskets with each item, and of all.
    has
        Number of the examples that have each item.
    share
        Mean of 1 / size over the baskets with each item, as a multiple of the same over all lines.
    """

    count: NDArray[np.float64]
    baskets: float
    has: NDArray[np.float64]
    share: NDArray[np.float64]

    def popularity(
        self, ids: NDArray[np.int64], has: NDArray[np.bool_], weight: NDArray[np.float64], examples: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how popular items are in all baskets and in the examples, without the example of each row.

        Parameters
        ----------
        ids
            Ids of the items, int64[k] or int64[n, k].
        has
            Whether the example of each row has each of them, bool[n, k].
        weight
            What the example of each row weighs in the counts, float64[n].
        examples
            How many there are.
        """
        # What is left of a faded count may be less than what the order weighs, by rounding.
        popular = np.maximum(self.count[ids] - weight[:, np.newaxis] * has, 0.0)
        popular /= np.maximum(self.baskets - weight, 1e-9)[:, np.newaxis]
        recent = (self.has[ids] - has) / max(examples - 1, 1)
        return popular.astype(np.float32), recent.astype(np.float32)
