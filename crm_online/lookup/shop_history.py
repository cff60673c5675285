"""What is known of a shop's past besides the changes that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from crm_online.engine.daily import DAY, DailyFigures
from crm_online.lookup.segment_names import SegmentNames

_MONTH = 365.25 / 12
_LN2 = 0.6931471805599453


@dataclass(frozen=True, slots=True)
class ShopHistory:
    """What is known of a shop's past.

    Attributes
    ----------
    names
        The segments' names over time.
    days
        What it did day by day.
    half_life
        In which what customers spent fades to half, in ms; ``None``: not at all.
    """

    names: SegmentNames
    days: DailyFigures
    half_life: int | None

    def monthly(self, spending: float | None, idle_days: float | None) -> float | None:
        """Return a customer's mean monthly spending, in which the distant past counts less.

        Parameters
        ----------
        spending
            The feature of that name when the customer moved; ``None``: it is not in use.
        idle_days
            For how many days there had been no event by then: while they are idle it fades.

        Examples
        --------
        >>> history = ShopHistory(SegmentNames(), DailyFigures({}), 90 * DAY)
        >>> round(history.monthly(200.0, 0.0)), round(history.monthly(100.0, 90.0))
        (47, 47)
        """
        if spending is None or self.half_life is None:
            return None
        length = self.half_life / DAY
        before: float = max(spending, 0.0) * 2.0 ** min((idle_days or 0.0) / length, 64.0)
        return before * _LN2 * _MONTH / length
