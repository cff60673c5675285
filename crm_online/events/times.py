"""ISO 8601 times to milliseconds since 1970 UTC, and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

BEGIN = 0
"""The earliest time that an event may have: 1970-01-01, in ms."""
END = int(datetime(2106, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""The first time that an event may not have: 2106-01-01, in ms."""

EARLIEST = -62_135_596_800_000
"""The earliest time that has a text: the begin of year 1, in ms."""
LATEST = 253_402_300_799_999
"""The latest one: the end of year 9999, in ms."""

NONE = -(2**63)
"""The time of a cell that holds none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ](?:[01]\d|2[0-3]):\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_MONTH_FIRST = re.compile(r"(\d\d?)/(\d\d?)/(\d{4}) (\d\d?):(\d\d)(?::(\d\d))?", re.ASCII)
_LOOSE = re.compile(
    r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d(?:[.,]\d{1,9})?))? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DAY = re.compile(r"(\d{4})/(\d\d)/(\d\d)", re.ASCII)
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


def from_cell(value: object) -> int:
    """Return the milliseconds of a cell of a table, ``NONE`` if it holds no time; without a zone it is UTC.

    ISO 8601, also as databases and shops print it: with a blank before the zone, with its name UTC or GMT, without
    separators, with slashes after the year; and month first, as in the CSV of UCI's Online Retail.

    Examples
    --------
    >>> [to_iso(from_cell(text)) for text in ("2025-12-26 17:51:02 -0500", "20251226T225102Z", "2025/12/26 22:51 UTC")]
    ['2025-12-26T22:51:02.000Z', '2025-12-26T22:51:02.000Z', '2025-12-26T22:51:00.000Z']
    >>> from_cell("26.12.2025") == NONE
    True
    """
    text = str(value).strip()
    for read in (from_iso, _from_loose, from_month_first):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    return NONE


def _from_loose(text: str) -> int:
    upper = text.upper()
    if day := _DAY.fullmatch(upper):
        return from_iso("-".join(day.groups()))
    match = _LOOSE.fullmatch(upper)
    if not match:
        raise ValueError("not a time")
    year, month, day_, hour, minute, second, zone = match.groups()
    zone = "Z" if zone in ("UTC", "GMT") else zone or ""
    return from_iso(f"{year}-{month}-{day_}T{hour}:{minute}:{second or '00'}{zone}")


def to_iso(milliseconds: int) -> str:
    """Return the ISO 8601 text of a time.

    Examples
    --------
    >>> to_iso(1500)
    '1970-01-01T00:00:01.500Z'
    """
    moment = _EPOCH + milliseconds * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def to_short_iso(milliseconds: int) -> str:
    """Return the ISO 8601 text of a time, with milliseconds only where there are any.

    Examples
    --------
    >>> to_short_iso(1000), to_short_iso(1500)
    ('1970-01-01T00:00:01Z', '1970-01-01T00:00:01.500Z')
    """
    return to_iso(milliseconds).replace(".000Z", "Z")


def _microseconds(match: re.Match[str]) -> str:
    return f".{match[1][:6]:0<6}"
