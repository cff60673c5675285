"""What is compared between blocks: means of one figure, or shares of many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SPARSE = 4.0
"""Squared deviation from which a part counts: 2 standard deviations."""

_ANSCOMBE = 3 / 8
_MEAN_BEYOND = 0.0795
"""Mean of what the square of a standard normal deviation is beyond :data:`SPARSE`."""
_PRIOR_BLOCKS = 4.0
_PRIOR_COUNT = 20.0

Sums = NDArray[np.float64]
"""What observations add up to, or what follows from that, part by part, shape (d,)."""


@dataclass(slots=True)
class Week:
    """What blocks of each weekday were, and what was expected of them.

    Attributes
    ----------
    observed, expected
        Sums of what :meth:`Measure.rhythm` returns of them, shape (7, d), Monday first.
    blocks
        How many there were, shape (7,).
    """

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    blocks: NDArray[np.float64]


class Measure(Protocol):
    """How blocks are compared.

    Attributes
    ----------
    parts
        Number d of sums of a block.
    two_sided
        Whether the statistic has a sign.
    chance
        Chance of a false alarm in each window that shares no block with another, on each side.
    """

    parts: int
    two_sided: bool
    chance: float

    def deviations(self, sums: Sums, n: float, base: Sums, base_n: float) -> Sums:
        """Return how far some blocks are from those before, part by part, alike in scale for all n, shape (d,)."""

    def statistic(self, deviations: Sums) -> float:
        """Return one figure for all parts."""

    def least(self, base: Sums) -> float:
        """Return the statistic that fluctuation alone has at the chance, where nothing but counting makes it."""

    def agreement(self, deviations: Sums, earlier: Sums, later: Sums) -> float:
        """Return the inner product of the deviations of two halves, as a share of the square of those of both."""

    def rhythm(self, sums: Sums, n: float) -> Sums:
        """Return what is added up for a weekday of a block with ``n`` observations."""

    def without_rhythm(self, sums: Sums, n: float, weekday: int, week: Week) -> Sums:
        """Return the sums of some observations of a weekday as they would be on any other."""


class Means(Measure):
    """The mean of one figure: blocks add up its values."""

    parts, two_sided, chance = 1, True, 5e-7

    def deviations(self, sums: Sums, n: float, base: Sums, base_n: float) -> Sums:
        """Return the difference of the means, times the square root of the harmonic number of values."""
        deviations: Sums = (sums / n - base / base_n) / np.sqrt(1 / n + 1 / base_n)
        return deviations

    def statistic(self, deviations: Sums) -> float:
        """Return the deviation."""
        return float(deviations[0])

    def least(self, base: Sums) -> float:
        """Return 0: only the series itself says how its mean fluctuates."""
        return 0.0

    def agreement(self, deviations: Sums, earlier: Sums, later: Sums) -> float:
        """Return the product of the halves' deviations against the square of the whole one."""
        return _ratio(float(earlier[0] * later[0]), float(deviations[0] ** 2))

    def rhythm(self, sums: Sums, n: float) -> Sums:
        """Return the block's mean."""
        return sums / n

    def without_rhythm(self, sums: Sums, n: float, weekday: int, week: Week) -> Sums:
        """Return the sums without the mean difference of the weekday's blocks, the less the fewer blocks there were."""
        differences = week.observed - week.expected
        own = differences[weekday] / (week.blocks[weekday] + _PRIOR_BLOCKS)
        every = differences.sum(axis=0) / (week.blocks.sum() + _PRIOR_BLOCKS)
        without: Sums = sums - n * (own - every)
        return without


class Shares(Measure):
    """Shares of many kinds: blocks count how often each came; n is the number of all.

    The deviations of kinds are those of square roots of counts, which vary alike whatever the share. The statistic
    adds up squares beyond :data:`SPARSE`, so that a few kinds which changed are not lost among many that did not.
    """

    two_sided, chance = False, 1e-5

    def __init__(self, parts: int) -> None:
        self.parts = parts

    def deviations(self, sums: Sums, n: float, base: Sums, base_n: float) -> Sums:
        """Return the differences of the square roots of counts, found and expected (Anscombe 1948)."""
        found, expected = np.sqrt(sums + _ANSCOMBE), np.sqrt(base * (n / base_n) + _ANSCOMBE)
        deviations: Sums = 2 * (found - expected) / np.sqrt(1 + n / base_n)
        return deviations

    def statistic(self, deviations: Sums) -> float:
        """Return the root of the sum of squares beyond :data:`SPARSE`."""
        return float(np.sqrt(np.maximum(deviations * deviations - SPARSE, 0.0).sum()))

    def least(self, base: Sums) -> float:
        """Return the statistic if one kind is off by as much as the largest of so many, and the others as usual."""
        kinds = int(np.count_nonzero(base > 0))
        return math.sqrt(_largest(self.chance / kinds) - SPARSE + _MEAN_BEYOND * kinds) if kinds else 0.0

    def agreement(self, deviations: Sums, earlier: Sums, later: Sums) -> float:
        """Return the inner product of the halves' deviations, over the kinds that count."""
        squares = deviations * deviations
        far = squares > SPARSE
        return _ratio(float((earlier * later)[far].sum()), float(squares[far].sum()))

    def rhythm(self, sums: Sums, n: float) -> Sums:
        """Return the block's counts."""
        return sums

    def without_rhythm(self, sums: Sums, n: float, weekday: int, week: Week) -> Sums:
        """Return the counts divided by how many times as often each kind comes on the weekday as in the week."""
        every = (week.observed.sum(axis=0) + _PRIOR_COUNT) / (week.expected.sum(axis=0) + _PRIOR_COUNT)
        expected = week.expected[weekday] * every
        without: Sums = sums * (expected + _PRIOR_COUNT) / (week.observed[weekday] + _PRIOR_COUNT)
        return without


def _ratio(product: float, square: float) -> float:
    return product / square if square > 0 else 0.0


@lru_cache(maxsize=1024)
def _largest(chance: float) -> float:
    from scipy.special import chdtri  # look-ups import this module, and need no SciPy

    return float(chdtri(1, chance))
