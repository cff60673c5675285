"""Weights of baskets as whole numbers, so that sums of them are exact: in any order, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

STEP = 8
"""The origin moves by this many half-lives at once."""

_NEWEST = 44
"""The newest basket weighs at most ``2 ** (44 + STEP)``."""

_LARGEST_SUM = 2.0**60

SMALLEST_SUM = 2.0**30
"""Below this weight of all baskets the roundings of single ones matter."""


@dataclass(frozen=True, slots=True)
class BasketWeights:
    """What a basket weighs: ``2 ** ((time - origin) / half_life)``, rounded to a whole number.

    Forward decay (Cormode et al., ICDE 2009) with whole numbers. The origin is a multiple of ``STEP`` half-lives, the
    earliest with which all weights and their sum fit into an int64. When it moves, weights are computed again from the
    times. A basket that is much older than the others weighs nothing: what is rounded away is less than 1e-9
    of the weight of all, as long as there are fewer than four million baskets.

    Attributes
    ----------
    half_life
        Milliseconds in which a weight halves; ``None``: every basket weighs 1.
    origin
        The time at which a basket weighs 1, in ms.

    Examples
    --------
    >>> weights = BasketWeights(1000).fitting(latest=60_000, total=0)
    >>> one, two = weights.of(np.array([59_000, 60_000])).tolist()
    >>> two == 2 * one, two * weights.reading(60_000)
    (True, 1.0)
    """

    half_life: int | None
    origin: int = 0

    def of(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the weights of baskets of these times, int64[n]."""
        if self.half_life is None:
            return np.ones(len(times), np.int64)
        return np.rint(np.exp2((times - self.origin) / self.half_life)).astype(np.int64)

    def reading(self, as_of: int) -> float:
        """Return what a sum of weights is multiplied by to be read as of a time in ms."""
        if self.half_life is None:
            return 1.0
        # The newest weight and the reading lie far apart where a time is far away: no more than a float holds.
        return float(np.exp2(np.clip((self.origin - as_of) / self.half_life, -1070.0, 900.0)))

    def fitting(self, latest: int, total: float) -> Self:
        """Return weights with the earliest origin from here on that suits.

        Parameters
        ----------
        latest
            The largest time of a basket, ms.
        total
            Weight of all baskets, by these weights.
        """
        if self.half_life is None:
            return self
        step = STEP * self.half_life
        least = -((_NEWEST * self.half_life - latest) // step) * step
        origin = max(least, self.origin) if total else least
        while total * 2.0 ** ((self.origin - origin) / self.half_life) > _LARGEST_SUM:
            origin += step
        return type(self)(self.half_life, origin)

    def shift(self, other: BasketWeights) -> float:
        """Return the factor that takes a weight to another origin: a power of two."""
        if self.half_life is None:
            return 1.0
        return float(np.exp2(np.clip((self.origin - other.origin) / self.half_life, -1070.0, 1020.0)))
