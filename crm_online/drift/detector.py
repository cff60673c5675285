"""Drift of a series of numbers, one after the other, as river's detectors take them."""

from __future__ import annotations

import numpy as np

from crm_online.drift.measures import Means
from crm_online.drift.series import DriftSeries, FoundDrift

BLOCK = 100
"""Values that make a block."""


class DriftDetector:
    """Finds drifts of the mean of a series, whatever its noise, and though its values hang together.

    Values are judged as means of blocks of 100, by how such means have fluctuated so far, so nothing is found among the
    first few thousand.

    Attributes
    ----------
    drift_detected
        Whether the last value showed a drift.
    drift
        The last drift found; ``None`` before the first. Its times are those given, or numbers of values.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> detector, values = DriftDetector(), [*rng.normal(0, 1, 20_000), *rng.normal(1, 1, 2_000)]
    >>> [number for number, value in enumerate(values) if detector.update(value).drift_detected]
    [20199]
    """

    def __init__(self) -> None:
        self.drift_detected = False
        self.drift: FoundDrift | None = None
        self._series = DriftSeries(Means(), BLOCK)
        self._number = 0

    def update(self, value: float, time: int | None = None) -> DriftDetector:
        """Take a value.

        Parameters
        ----------
        value
            A finite number.
        time
            When it was, in ms since 1970: a weekly rhythm is then taken out. Without it there is none.
        """
        self._number += 1
        found = self._series.add(1.0, np.array([value]), self._number if time is None else time)
        self.drift_detected = found is not None
        self.drift = found or self.drift
        return self
