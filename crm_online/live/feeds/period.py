"""A period in event time: what of it is asked for, and the whole days of it and of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from crm_online.engine.daily import DAY
from crm_online.events.times import BEGIN, to_short_iso
from crm_online.settings.units import SECOND


@dataclass(frozen=True, slots=True)
class Period:
    """A period.

    Attributes
    ----------
    since, until
        Its begin, and the first time after it, in ms.
    """

    since: int
    until: int

    @classmethod
    def up_to(cls, watermark: int, length: int) -> Self:
        """Return the period of a length, in ms, that ends with a watermark; changes have whole seconds."""
        return cls(max(watermark - length, BEGIN), watermark // SECOND * SECOND + SECOND)

    @classmethod
    def of_days(cls, days: float, watermark: int, first: int | None) -> Self:
        """Return the last whole days (UTC) up to a watermark, the day that goes on left out.

        What is not a number of whole days, or where there is no whole day since the first one, ends with the watermark.

        Examples
        --------
        >>> whole, part = Period.of_days(7, 20 * DAY + 5, 0), Period.of_days(0.5, DAY, 0)
        >>> (whole.since / DAY, whole.until / DAY), (part.since / DAY, part.until - DAY)
        ((13.0, 20.0), (0.5, 1000))
        """
        midnight = watermark // DAY * DAY
        if days != int(days) or first is None or first > midnight - DAY:
            return cls.up_to(watermark, round(days * DAY))
        return cls(max(midnight - int(days) * DAY, BEGIN), midnight)

    @property
    def begin(self) -> str:
        """Its begin, as changes have times."""
        return to_short_iso(self.since)

    @property
    def end(self) -> str:
        """The first time after it, as changes have times."""
        return to_short_iso(self.until)

    @property
    def before(self) -> Period:
        """The period of the same length before it."""
        return Period(max(2 * self.since - self.until, BEGIN), self.since)

    @property
    def days(self) -> range:
        """The whole days within it, since 1970."""
        return range(-(-self.since // DAY), self.until // DAY)
