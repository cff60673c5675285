"""Shares in each segment compared with those in all others: the difference in standard errors.

Customers, not their contacts or order lines, are what is drawn at random: one who buys an item a hundred
times says no more about a segment than one who buys it once. So a share is a ratio r of two sums over
customers, and its variance is that of a ratio estimator, Σ (c_n - r C_n)² / (Σ C_n)². Both variances are
about the population's share: a segment in which all have a value would have a variance of 0 about its own.

Source: Cochran, Sampling Techniques, 3rd edition (1977), section 2.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Counts: TypeAlias = "csr_array[np.float64, tuple[int, int]]"
"""What n customers have of m values, shape (n, m)."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Shares of m values in k segments.

    Attributes
    ----------
    share
        Σ c / Σ C over the customers of a segment, shape (k, m); NaN where Σ C is 0.
    population
        The same over all customers, shape (m,).
    z
        The difference of the segment's share from that of all others in standard errors, shape (k, m);
        0 where there is nothing to compare.
    customers
        How many customers of a segment have some of a value, shape (k, m).
    base
        How many customers of a segment have a total above 0, shape (k,).
    """

    share: NDArray[np.float64]
    population: NDArray[np.float64]
    z: NDArray[np.float64]
    customers: NDArray[np.int64]
    base: NDArray[np.int64]


def compare(counts: Counts, totals: NDArray[np.float64], labels: NDArray[np.int64], k: int) -> Comparison:
    """Compare each segment's shares with those of all other customers.

    Parameters
    ----------
    counts
        What c_n each customer has of each value, shape (n, m).
    totals
        What C_n each customer has in all, shape (n,).
    labels
        Each customer's segment, shape (n,).
    k
        Number of segments.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> counts = csr_array(np.array([[1.0], [1.0], [0.0], [0.0], [1.0], [0.0]]))
    >>> found = compare(counts, np.ones(6), np.array([0, 0, 1, 1, 1, 1]), 2)
    >>> found.share.ravel().tolist(), found.population.tolist(), found.customers.ravel().tolist()
    ([1.0, 0.25], [0.5], [2, 1])
    """
    from scipy.sparse import csr_array

    n = len(labels)
    members = csr_array((np.ones(n), (labels, np.arange(n))), shape=(k, n))

    def added(values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums by segment, shape (k, m), of values that stand where the counts are."""
        from scipy.sparse import csr_array

        each: Counts = csr_array((values, counts.indices, counts.indptr), shape=counts.shape)
        return np.asarray((members @ each).toarray(), np.float64)

    own = _Sums(
        c=added(counts.data),
        cc=added(counts.data**2),
        cross=added(counts.data * np.repeat(totals, np.diff(counts.indptr))),
        total=np.bincount(labels, totals, k).astype(np.float64),
        square=np.bincount(labels, totals * totals, k).astype(np.float64),
    )
    every = own.all()
    others, population = every.without(own), every.share()[0]
    share = own.share()
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (share - others.share()) / np.sqrt(own.variance(population) + others.variance(population))
    return Comparison(
        share=share,
        population=population,
        z=np.where(np.isfinite(z), z, 0.0),
        customers=added((counts.data > 0).astype(np.float64)).astype(np.int64),
        base=np.bincount(labels, totals > 0, k).astype(np.int64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Σ c, Σ c² and Σ c C, of shape (k, m), and Σ C and Σ C², of shape (k,)."""

    c: NDArray[np.float64]
    cc: NDArray[np.float64]
    cross: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]

    def all(self) -> _Sums:
        """Return the sums over all segments, as those of one."""
        parts = (self.c, self.cc, self.cross, self.total, self.square)
        return _Sums(*(part.sum(axis=0, keepdims=True) for part in parts))

    def without(self, other: _Sums) -> _Sums:
        """Return the sums over all but each of the other's segments."""
        return _Sums(
            self.c - other.c,
            self.cc - other.cc,
            self.cross - other.cross,
            self.total - other.total,
            self.square - other.square,
        )

    def share(self) -> NDArray[np.float64]:
        """Return Σ c / Σ C, shape (k, m); NaN where Σ C is 0."""
        return self.c / np.where(self.total > 0, self.total, np.nan)[:, None]

    def variance(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ (c - r C)² / (Σ C)², shape (k, m): of each ratio, were the true one ``share``, shape (m,)."""
        whole = np.where(self.total > 0, self.total, np.nan)[:, None]
        spread = self.cc - 2 * share * self.cross + share * share * self.square[:, None]
        variance: NDArray[np.float64] = np.maximum(spread, 0.0) / whole**2
        return variance
