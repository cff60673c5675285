"""What a feature is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.reading import Reading


@dataclass(frozen=True, slots=True)
class Feature:
    """A number that describes a customer at one time.

    Parameters
    ----------
    about
        What it is, in words.
    unit
        Its unit, for people: ``days``, ``orders``, ``money``, ``share``…
    read
        The numbers of a batch of customers, float64[n].
    sums
        Names of the decayed sums that it reads.
    transform
        ``log1p`` for quantities that spread over orders of magnitude, ``identity`` for shares.
    knee
        In natural units, where ``log1p(x / knee)`` turns from a straight line into a logarithm: smaller
        differences than that count by what they are, larger ones by their ratio.
    """

    about: str
    unit: str
    read: Callable[[Reading], NDArray[np.float64]]
    sums: tuple[str, ...] = ()
    transform: str = "log1p"
    knee: float = 1.0
