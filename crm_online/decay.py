"""Forward decay: sums in which old events weigh less, whatever order they come in.

An event at time ``t`` weighs ``g(t) = 2 ** ((t - L) / half_life)`` relative to a landmark ``L``; a sum
of such weights is divided by ``g(as_of)`` when it is read. Landmarks are multiples of
``LANDMARK_EVERY`` half-lives, so moving one scales a sum by an exact power of two and no digit is lost.

Source: Cormode, Shkapenyuk, Srivastava, Xu: Forward Decay, ICDE 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANDMARK_EVERY = 64
"""How many half-lives lie between two landmarks: weights stay below ``2 ** 64``."""


@dataclass(frozen=True, slots=True)
class Decay:
    """The weights of one half-life.

    Parameters
    ----------
    half_life
        Milliseconds in which a weight halves; ``None`` for plain sums, in which nothing fades.

    Examples
    --------
    >>> decay = Decay(half_life=1000)
    >>> landmark = decay.landmark(np.array([5000]))
    >>> weight = decay.weight(np.array([5000]), landmark)
    >>> (weight * decay.reading(np.array([6000]), landmark)).tolist()
    [0.5]
    """

    half_life: int | None

    def landmark(self, latest: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the landmark in force when the latest event is at ``latest`` (both in ms)."""
        if self.half_life is None:
            return np.zeros_like(latest)
        every = self.half_life * LANDMARK_EVERY
        return latest // every * every

    def weight(self, time: NDArray[np.int64], landmark: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``g(time)`` relative to the landmark."""
        if self.half_life is None:
            return np.ones(time.shape)
        return np.exp2((time - landmark) / self.half_life)

    def shift(self, old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the factor that takes sums from landmark ``old`` to ``new``: a power of two."""
        return self.weight(old, new)

    def reading(self, as_of: NDArray[np.int64], landmark: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``1 / g(as_of)``: what a stored sum is multiplied by when it is read."""
        if self.half_life is None:
            return np.ones(np.broadcast_shapes(as_of.shape, landmark.shape))
        return np.exp2((landmark - as_of) / self.half_life)
