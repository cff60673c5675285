"""In which bands customers are reported, as their records keep it: of a purchase, and of the users' own targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import NO_BAND, TARGET_BAND, Records
from crm_online.predictions.bands import RiskBands

MOST_TARGETS = 8
"""How many targets of their own users may have; outcomes of others are counted, and nothing else."""
_NONE = np.array([(NO_BAND, NO_BAND, 0)], TARGET_BAND).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class ReportedBands:
    """In which band of one target n customers are reported.

    Attributes
    ----------
    band, left_band
        uint8[n]: the band, and the one before it; ``NO_BAND`` for none.
    since
        int64[n]: seconds since 1970 when the band was entered.
    """

    band: NDArray[np.uint8]
    left_band: NDArray[np.uint8]
    since: NDArray[np.int64]

    @classmethod
    def read(cls, records: Records, place: int) -> ReportedBands:
        """Return the bands of a target; its place is 0 for a purchase, and from 1 on for the users' own."""
        if place == 0:
            return cls(records.band, records.left_band, records.band_since)
        end = place * len(_NONE)
        own = b"".join([raw[end - len(_NONE) : end] or _NONE for raw in records.target_bands.tolist()])
        found = np.frombuffer(own, TARGET_BAND)
        return cls(found["band"], found["left_band"], found["since"].astype(np.int64))

    def may_move(self, bands: RiskBands, now: int) -> NDArray[np.bool_]:
        """Return who may be in another band, in seconds since 1970, whatever the chance is."""
        return bands.may_move(self.band, self.since, now)

    def moved(self, bands: RiskBands, chances: NDArray[np.float64], now: int) -> ReportedBands:
        """Return in which bands customers are from now on, in seconds since 1970, by their chances, float64[n]."""
        band = bands.report(chances, self.band, self.left_band, self.since, now)
        moves = band != self.band
        return ReportedBands(band, np.where(moves, self.band, self.left_band), np.where(moves, now, self.since))

    def write(self, records: Records, place: int) -> None:
        """Set the bands of a target in the records of the customers."""
        if place == 0:
            records.band, records.left_band, records.band_since = self.band, self.left_band, self.since
            return
        wire = np.zeros(len(self.band), TARGET_BAND)
        wire["band"], wire["left_band"], wire["since"] = self.band, self.left_band, self.since
        size, every = len(_NONE), wire.tobytes()
        begin = (place - 1) * size
        for row, raw in enumerate(records.target_bands.tolist()):
            one = every[row * size : (row + 1) * size]
            if one != _NONE or len(raw) > begin:
                records.target_bands[row] = (
                    raw[:begin] + _NONE * (place - 1 - len(raw) // size) + one + raw[begin + size :]
                )
