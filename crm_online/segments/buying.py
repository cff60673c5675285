"""How often customers have bought: never, once, or again; and the sums of each segment's members by that.

A mean over a segment says nothing about who buys where half of its members never did. So the sums are kept for
each of the three kinds apart: shares are then exact, and figures of buyers are those of buyers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.sums import ABSENT, SegmentSums


class Buying(IntEnum):
    """How often a customer has bought; as a bound, at least so often."""

    NEVER = 0
    ONCE = 1
    AGAIN = 2


KINDS = len(Buying)


def cells(labels: NDArray[np.integer], purchases: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the rows of :class:`SegmentSums` by kind in which customers are, shape (n,).

    Parameters
    ----------
    labels
        Their segments, shape (n,); ``ABSENT`` for none.
    purchases
        How often each has bought, shape (n,).

    Examples
    --------
    >>> cells(np.array([0, 1, 1, -1]), np.array([0, 1, 7, 3])).tolist()
    [0, 4, 5, -1]
    """
    wide = labels.astype(np.int64)
    return np.where(wide == ABSENT, ABSENT, wide * KINDS + np.minimum(purchases, int(Buying.AGAIN)))


@dataclass(frozen=True, slots=True)
class BuyerFigures:
    """The figures of segments, for all members and for those who bought.

    Attributes
    ----------
    sizes
        float64[3, k]: how many members bought at least so often, by :class:`Buying`.
    shares
        float64[k, 3]: which share of each segment's members never bought, bought once, bought again.
    population_shares
        float64[3]: the same of all customers.
    centroids
        float64[3, k, d]: the mean vectors of those members who bought at least so often, by :class:`Buying`.
    deviations
        float64[3, k, d]: how widely these members vary, as standard deviations. Half of them are within one of the
        mean on either side, whatever their distribution is (Hotelling and Solomons 1932).
    population
        float64[3, d]: the mean vectors of all customers who bought at least so often.
    """

    sizes: NDArray[np.float64]
    shares: NDArray[np.float64]
    population_shares: NDArray[np.float64]
    centroids: NDArray[np.float64]
    deviations: NDArray[np.float64]
    population: NDArray[np.float64]

    @classmethod
    def of(cls, sums: SegmentSums, centroids: NDArray[np.float64], *, complete: bool = True) -> BuyerFigures:
        """Read the figures from sums by kind.

        Parameters
        ----------
        sums
            Of ``KINDS`` rows for each segment, see :func:`cells`.
        centroids
            float64[k, d], without NaN: what is used for a segment of which no member bought so often.
        complete
            Whether all customers are in the sums. If not, ``centroids`` are used for all, and shares are of those
            who are.
        """
        k, d = centroids.shape
        members = _at_least(sums.W.reshape(k, KINDS, 1)).astype(np.float64)
        totals = _at_least(sums.S.reshape(k, KINDS, d)).astype(np.float64)
        squares = _at_least(sums.Q.reshape(k, KINDS, d)).astype(np.float64)
        means = _divided(totals, members, centroids)
        spread = np.maximum(_divided(squares, members, centroids**2) - means**2, 0.0)
        if not complete:
            means = np.broadcast_to(centroids, means.shape).copy()
        population = _divided(totals.sum(axis=1), members.sum(axis=1), centroids.mean(axis=0))
        kinds = sums.W.reshape(k, KINDS)
        return cls(members[..., 0], _shares(kinds), _shares(kinds.sum(axis=0)), means, np.sqrt(spread), population)

    @classmethod
    def of_buyers(cls, centroids: NDArray[np.float64], population: NDArray[np.float64]) -> BuyerFigures:
        """Return the figures of segments whose members are all alike, and bought more than once."""
        again = np.eye(KINDS)[Buying.AGAIN]
        return cls(
            np.ones((KINDS, len(centroids))),
            np.tile(again, (len(centroids), 1)),
            again,
            np.tile(centroids, (KINDS, 1, 1)),
            np.zeros((KINDS, *centroids.shape)),
            np.tile(population, (KINDS, 1)),
        )

    def middle(self) -> NDArray[np.float64]:
        """Return the vector of the segment in which the middle one of all customers is, feature by feature.

        The middle one is nearer to most than the mean, which a few far ones sway.

        Returns
        -------
        NDArray[np.float64]
            Shape (3, d), by :class:`Buying`.
        """
        order = np.argsort(self.centroids, axis=1, kind="stable")
        sorted_sizes = np.take_along_axis(np.broadcast_to(self.sizes[..., None], order.shape), order, axis=1)
        upto = np.cumsum(sorted_sizes, axis=1)
        row = (upto >= upto[:, -1:] / 2).argmax(axis=1)
        found = np.take_along_axis(self.centroids, np.take_along_axis(order, row[:, None], axis=1), axis=1)
        return found[:, 0]

    def having(self, least: Buying) -> NDArray[np.float64]:
        """Return which share of each segment's members bought at least so often, shape (k,)."""
        share: NDArray[np.float64] = self.shares[:, least:].sum(axis=1)
        return share


def _at_least(parts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each kind the sum over it and those above, shape (3, k, …)."""
    above = np.cumsum(parts[:, ::-1], axis=1)[:, ::-1]
    return np.moveaxis(above, 1, 0)


def _divided(
    totals: NDArray[np.float64], members: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return totals by members; ``other`` where there are none."""
    return np.where(members > 0, totals / np.where(members > 0, members, 1.0), other)


def _shares(members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the kinds' shares, along the last axis; a segment without members counts as one that bought again."""
    totals = members.sum(axis=-1, keepdims=True)
    none = np.broadcast_to(np.eye(KINDS)[Buying.AGAIN], members.shape)
    return np.where(totals > 0, members / np.where(totals > 0, totals, 1), none)
