"""What a feature can read of a batch of customers, at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NEVER, Records
from crm_online.decay import Decay

MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class FeatureInputs:
    """A batch of customers, read at one time.

    Parameters
    ----------
    records
        Their records.
    sums
        Names of the columns of ``records.sums``.
    decay
        The half-life of the sums.
    as_of
        int64[n]: the time of reading, in ms.
    """

    records: Records
    sums: Sequence[str]
    decay: Decay
    as_of: NDArray[np.int64]

    def sum(self, name: str) -> NDArray[np.float64]:
        """Return a decayed sum at the time of reading."""
        column: NDArray[np.float64] = self.records.sums[:, self.sums.index(name)]
        return column * self._remains

    @cached_property
    def _remains(self) -> NDArray[np.float64]:
        """What is left at the time of reading of 1 at each customer's landmark."""
        return self.decay.reading(self.as_of, self.decay.landmark(np.maximum(self.records.last_event, 0)))

    def days_since(self, time: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the days from a time to the time of reading, never less than 0."""
        days: NDArray[np.float64] = np.maximum(self.as_of - time, 0) / MS_PER_DAY
        return days

    def ratio(self, above: str, below: str) -> NDArray[np.float64]:
        """Return the ratio of two sums; 0 where the one below is 0."""
        divisor = self.sum(below)
        some = divisor > 0
        return np.divide(self.sum(above), divisor, out=np.zeros(len(divisor)), where=some)

    @property
    def has_purchase(self) -> NDArray[np.bool_]:
        """Who has bought at all."""
        return np.not_equal(self.records.last_purchase, NEVER)
