"""Moments as callers in Python have them, as the milliseconds that look-ups take."""

from __future__ import annotations

from datetime import UTC, date, datetime

from crm_online.errors import InputError
from crm_online.settings.units import parse_time

Moment = int | str | date
"""Milliseconds since 1970, ISO 8601, or a date, datetime or pandas Timestamp; without a zone it is UTC."""


def milliseconds(moment: Moment | None) -> int | None:
    """Return a moment in ms since 1970; ``None`` stays.

    Raises
    ------
    InputError
        If a text is no ISO 8601 time, or it is no moment at all.

    Examples
    --------
    >>> milliseconds("1970-01-02"), milliseconds(date(1970, 1, 2)), milliseconds(datetime(1970, 1, 1, 0, 0, 1))
    (86400000, 86400000, 1000)
    """
    if moment is None or (isinstance(moment, int) and not isinstance(moment, bool)):
        return moment
    if isinstance(moment, str):
        try:
            return parse_time(moment)
        except ValueError as error:
            raise InputError(f"{moment!r} is not a time such as 2017-12-31 or 2017-12-31T18:00:00Z") from error
    if not isinstance(moment, date) or moment != moment:  # pandas' NaT is a date that is not equal to itself
        raise InputError(f"{moment!r} is not a time: give a date, a datetime, a Timestamp, a text or ms since 1970")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)
