"""ISO 8601 times to milliseconds since 1970 UTC, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

BEGIN = 0
"""The earliest time that an event may have: 1970-01-01, in ms."""
END = int(datetime(2106, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""The first time that an event may not have: 2106-01-01, in ms."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_MONTH_FIRST = re.compile(r"(\d\d?)/(\d\d?)/(\d{4}) (\d\d?):(\d\d)(?::(\d\d))?", re.ASCII)
_FRACTION = re.compile(r"[.,](\d+)")


def from_datetime(moment: datetime) -> int:
    """Return the milliseconds of a datetime; one without zone is UTC; what is below 1 ms is cut off."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


def from_iso(text: str) -> int:
    """Return the milliseconds of an ISO 8601 date or date and time; without a zone it is UTC.

    Raises
    ------
    ValueError
        The text is no such time. The range of an event's time is not checked here.

    Examples
    --------
    >>> from_iso("1970-01-01T00:00:01.5"), from_iso("1970-01-01 01:00+01:00")
    (1500, 0)
    """
    upper = text.upper()
    if not _ISO.fullmatch(upper):
        raise ValueError("not an ISO 8601 time")
    return from_datetime(datetime.fromisoformat(_FRACTION.sub(_microseconds, upper)))


def from_month_first(text: str) -> int:
    """Return the milliseconds of ``12/1/2010 8:26`` (1 December), as in the CSV of UCI's Online Retail.

    Examples
    --------
    >>> from_month_first("12/1/2010 8:26") == from_iso("2010-12-01 08:26")
    True
    """
    match = _MONTH_FIRST.fullmatch(text)
    if not match:
        raise ValueError("neither an ISO 8601 time nor month/day/year hour:minute")
    month, day, year, hour, minute, second = (int(part or 0) for part in match.groups())
    return from_datetime(datetime(year, month, day, hour, minute, second, tzinfo=UTC))


def to_iso(milliseconds: int) -> str:
    """Return the ISO 8601 text of a time.

    Examples
    --------
    >>> to_iso(1500)
    '1970-01-01T00:00:01.500Z'
    """
    moment = _EPOCH + milliseconds * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _microseconds(match: re.Match[str]) -> str:
    return f".{match[1][:6]:0<6}"
