"""Risk bands: in which a customer is reported, by the chance of a purchase, with hysteresis and dwell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NO_BAND
from crm_online.predictions.examples import PURCHASE
from crm_online.settings import Settings

EVEN = 0.5
"""Who buys again with a smaller chance is at risk."""


@dataclass(frozen=True, slots=True)
class RiskBands:
    """The bands between some borders, numbered from the lowest chance of a purchase on.

    Parameters
    ----------
    borders
        Chances, each larger than the one before.
    margin
        How far beyond a border a chance must be before the band changes, as a share of what lies beyond that border on
        the nearer side: with 0.1, by 0.02 at a border of 0.2 or 0.8, and by 0.05 at 0.5.
    dwell
        Seconds that a customer stays in a band at least; more than twice as long before going back to the one before.
    """

    borders: Sequence[float]
    margin: float
    dwell: float

    def name(self, band: int) -> str | None:
        """Return a band's name; ``None`` of none.

        Examples
        --------
        >>> bands = RiskBands((0.2, 0.5, 0.8), 0.1, 0)
        >>> [bands.name(band) for band in (0, 3, NO_BAND)]
        ['0-0.2', '0.8-1', None]
        """
        if band > len(self.borders):
            return None
        edges = (0, *self.borders, 1)
        return f"{edges[band]:g}-{edges[band + 1]:g}"

    def of(self, chances: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the band that each chance is in."""
        return np.searchsorted(np.array(self.borders), chances, side="right").astype(np.uint8)

    def at_risk(self, bands: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return which bands lie below one half.

        Examples
        --------
        >>> RiskBands((0.2, 0.5, 0.8), 0.1, 0).at_risk(np.array([0, 1, 2, NO_BAND], np.uint8)).tolist()
        [True, True, False, False]
        """
        return bands < sum(border <= EVEN for border in self.borders)

    def may_move(self, reported: NDArray[np.uint8], since: NDArray[np.int64], now: int) -> NDArray[np.bool_]:
        """Return who may be reported in another band, whatever the chance is: nobody before the dwell is over.

        Examples
        --------
        >>> bands = RiskBands((0.5,), 0.1, 10)
        >>> bands.may_move(np.array([0, 0, NO_BAND], np.uint8), np.array([89, 90, 99]), 99).tolist()
        [True, False, True]
        """
        return np.equal(reported, NO_BAND) | (now - since >= self.dwell)

    def report(
        self,
        chances: NDArray[np.float64],
        reported: NDArray[np.uint8],
        previously_left: NDArray[np.uint8],
        since: NDArray[np.int64],
        now: int,
    ) -> NDArray[np.uint8]:
        """Return the band in which each customer is reported from now on.

        Parameters
        ----------
        chances
            float64[n]: chances of a purchase; NaN: the band stays.
        reported, previously_left
            uint8[n]: the band so far, and the one before it.
        since
            int64[n]: when it was entered, in seconds since 1970.
        now
            Seconds since 1970.

        Examples
        --------
        >>> bands = RiskBands((0.5,), 0.1, 10)
        >>> before, left = np.array([0, 0, 0, NO_BAND], np.uint8), np.full(4, NO_BAND, np.uint8)
        >>> bands.report(np.array([0.54, 0.56, 0.56, 0.1]), before, left, np.array([0, 0, 95, 0]), 100).tolist()
        [0, 1, 0, 0]
        """
        found, known = self.of(chances), np.isfinite(chances)
        edges = np.array([0.0, *self.borders, 1.0])
        inner = np.minimum(reported.astype(np.int64), len(self.borders))
        low, high = edges[inner], edges[inner + 1]
        low, high = low - self.margin * np.minimum(low, 1 - low), high + self.margin * np.minimum(high, 1 - high)
        dwelt = np.where(found == previously_left, now - since > 2 * self.dwell, now - since >= self.dwell)
        moves = (found != reported) & ((chances < low) | (chances >= high)) & dwelt
        return np.where(known & (moves | (reported == NO_BAND)), found, reported)


@dataclass(frozen=True, slots=True)
class TargetBands:
    """The bands of every target.

    Attributes
    ----------
    purchase, own
        Of a purchase, and of each target of the users' own.
    """

    purchase: RiskBands
    own: RiskBands

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those that the settings ask for."""
        chosen, segments = settings.predictions, settings.segments
        dwell = segments.min_dwell / 1000
        return cls(*(RiskBands(borders, segments.margin, dwell) for borders in (chosen.bands, chosen.target_bands)))

    def __getitem__(self, target: str) -> RiskBands:
        return self.purchase if target == PURCHASE else self.own
