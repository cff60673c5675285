"""ISO 8601 times by columns: texts of one shape are read together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.events import times

Ints = NDArray[np.int64]

_SHAPES: Final = 16
"""Most shapes that are read by columns; what has yet another is read text by text."""
_ZERO, _NINE = ord("0"), ord("9")
_DIGIT = re.compile(r"\d", re.ASCII)
_SHAPE = re.compile(
    r"0000-00-00(?:[T ]00:00(?::00(?P<fraction>[.,]0{1,9})?)?(?P<zone>Z|[+-]00(?::?00)?)?)?", re.IGNORECASE
)
_HOUR, _MINUTE, _SECOND = 11, 14, 17
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] + [0] * 87, np.int64)


def from_iso_texts(texts: Sequence[str]) -> Ints:
    """Return what :func:`crm_online.events.times.from_iso` returns of each text, in ms; ``times.NONE`` of no time.

    Examples
    --------
    >>> from_iso_texts(["1970-01-01", "1970-01-01T00:00:01.5Z", "soon"]).tolist()[:2]
    [0, 1500]
    """
    found = np.full(len(texts), times.NONE, np.int64)
    left = np.arange(len(texts))
    for _ in range(_SHAPES):
        if not left.size:
            return found
        fits, ms = _of_shape([texts[index] for index in left.tolist()])
        found[left[fits]] = ms
        left = left[~fits]
    for index in left.tolist():
        found[index] = _one(texts[index])
    return found


def _of_shape(texts: list[str]) -> tuple[NDArray[np.bool_], Ints]:
    """Return which texts have the first one's shape, that one at least, and their times."""
    first = texts[0]
    shape = _DIGIT.sub("0", first)
    layout = _SHAPE.fullmatch(shape)
    fits = np.fromiter((len(text) == len(first) for text in texts), bool, len(texts))
    same = "".join(texts if fits.all() else [text for text in texts if len(text) == len(first)])
    if layout is None or not same.isascii():
        fits[:] = False
        fits[0] = True
        return fits, np.array([_one(first)], np.int64)
    letters = np.frombuffer(same.encode(), np.uint8).reshape(-1, len(first))
    template = np.frombuffer(shape.encode(), np.uint8)
    digits = template == _ZERO
    alike = (letters[:, ~digits] == template[~digits]).all(axis=1)
    alike &= ((letters[:, digits] >= _ZERO) & (letters[:, digits] <= _NINE)).all(axis=1)
    fits[fits] = alike
    columns = (letters[alike].astype(np.int64) - _ZERO).T
    ms, certain = _moments(columns, layout)
    for place in np.flatnonzero(~certain).tolist():
        ms[place] = _one(texts[int(np.flatnonzero(fits)[place])])
    return fits, ms


def _moments(digits: Ints, layout: re.Match[str]) -> tuple[Ints, NDArray[np.bool_]]:
    """Return times by the columns of their digits, in ms, and which of them certainly are times."""

    def two(at: int) -> Ints:
        number: Ints = digits[at] * 10 + digits[at + 1]
        return number

    none = np.zeros(digits.shape[1], np.int64)
    year, month, day = two(0) * 100 + two(2), two(5), two(8)
    shape = layout.string
    hour, minute = (two(_HOUR), two(_MINUTE)) if len(shape) > _HOUR else (none, none)
    second = two(_SECOND) if shape[_SECOND - 1 : _SECOND] == ":" else none
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _DAYS_IN_MONTH[month] + (leap & (month == 2))
    certain = (year > 0) & (day > 0) & (day <= longest) & (hour < 24) & (minute < 60) & (second < 60)
    ms = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000
    begin, end = layout.span("fraction")
    for place, weight in zip(range(begin + 1, end), (100, 10, 1), strict=False):
        ms += digits[place] * weight
    begin, end = layout.span("zone")
    if end - begin > 1:
        hours, minutes = two(begin + 1), two(end - 2) if end - begin > 3 else none
        certain &= (hours < 24) & (minutes < 60)
        ms -= (hours * 60 + minutes) * (60_000 if shape[begin] == "+" else -60_000)
    return ms, certain


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Return the days from 1970-01-01 to a day of the Gregorian calendar; the year begins in March."""
    early = month <= 2
    years = year - early
    of_year = (153 * (month + np.where(early, 9, -3)) + 2) // 5 + day - 1
    days: Ints = years * 365 + years // 4 - years // 100 + years // 400 + of_year - 719_468
    return days


def _one(text: str) -> int:
    try:
        return times.from_iso(text)
    except (ValueError, OverflowError):
        return times.NONE
