"""Durations and sizes as people write them: ``90d``, ``30m``, ``256MB``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

_DURATIONS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1}
_SIZES = {
    "GiB": 2**30,
    "GB": 10**9,
    "MiB": 2**20,
    "MB": 10**6,
    "KiB": 2**10,
    "kB": 10**3,
    "B": 1,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")

DURATION_PATTERN = rf"^\d+(\.\d+)?\s*({'|'.join(_DURATIONS)})$"
SIZE_PATTERN = rf"^\d+(\.\d+)?\s*({'|'.join(_SIZES)})$"


def _parsed(text: str, units: dict[str, int]) -> int:
    match = _QUANTITY.fullmatch(text.strip())
    unit = match and units.get(match[2])
    if not match or unit is None:
        raise ValueError(f"{text!r} is not a number with one of the units {', '.join(units)}")
    return int(Decimal(match[1]) * unit)


def parse_duration(text: str) -> int:
    """Return the milliseconds of a duration.

    Raises
    ------
    ValueError
        If the text is not a number with a unit of time.

    Examples
    --------
    >>> parse_duration("90d"), parse_duration("1.5h")
    (7776000000, 5400000)
    """
    return _parsed(text, _DURATIONS)


def parse_size(text: str) -> int:
    """Return the bytes of a size: kB, MB, GB count by thousands, KiB, MiB, GiB by 1024.

    Raises
    ------
    ValueError
        If the text is not a number with a unit of size.

    Examples
    --------
    >>> parse_size("256MB"), parse_size("1KiB")
    (256000000, 1024)
    """
    return _parsed(text.replace("KB", "kB"), _SIZES)


def parse_time(text: str) -> int:
    """Return the milliseconds since 1970 of an ISO 8601 date, or date and time; without a zone it is UTC.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> parse_time("2026-03-01"), format_time(parse_time("2026-03-01T08:00:00+01:00"))
    (1772323200000, '2026-03-01T07:00:00+00:00')
    """
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def format_time(milliseconds: int) -> str:
    """Return the ISO 8601 text of milliseconds since 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)).isoformat()


def format_duration(milliseconds: int) -> str:
    """Return a duration as it is written in settings.

    Weeks are written as days, since most people count in days.

    Examples
    --------
    >>> format_duration(7776000000), format_duration(5400000)
    ('90d', '90m')
    """
    return _formatted(milliseconds, {unit: size for unit, size in _DURATIONS.items() if unit != "w"})


def format_size(size: int) -> str:
    """Return a size in bytes as it is written in settings.

    Examples
    --------
    >>> format_size(256_000_000), format_size(1536)
    ('256MB', '1536B')
    """
    return _formatted(size, _SIZES)


def _formatted(value: int, units: dict[str, int]) -> str:
    unit, size = next((unit, size) for unit, size in units.items() if size == 1 or (value and value % size == 0))
    return f"{value // size}{unit}"
