"""Times that are no ISO 8601, by a format that is named: strptime's, ``dd.mm.yyyy``, or a count since 1970."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_online.errors import InputError
from crm_online.events import times

UNITS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
"""Units of counts since 1970, in ms."""
_TOKEN = re.compile(r"yyyy|yy|MMM|mmm|MM?|mm?|dd?|DD?|HH?|hh?|ss?|S+|f+|tt|a|.", re.DOTALL)
_LETTERS = {"yyyy": "%Y", "yy": "%y", "MMM": "%b", "mmm": "%b", "tt": "%p", "a": "%p"}
_FIRST = {"d": "%d", "D": "%d", "H": "%H", "h": "%H", "s": "%S", "S": "%f", "f": "%f"}


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How the times of a log are written.

    Attributes
    ----------
    text
        As it was given.
    unit
        Milliseconds of one, for a count since 1970.
    pattern
        strptime's format, for all others.
    """

    text: str
    unit: float | None
    pattern: str

    @classmethod
    def of(cls, text: str) -> TimeFormat:
        """Read a format.

        Raises
        ------
        InputError
            If it is none, or has not the day.

        Examples
        --------
        >>> TimeFormat.of("dd.mm.yyyy HH:mm").pattern, TimeFormat.of("ms").unit
        ('%d.%m.%Y %H:%M', 1.0)
        """
        unit = UNITS.get(text.removeprefix("epoch_"))
        if unit is not None:
            return cls(text, unit, "")
        pattern = text if "%" in text else _from_letters(text)
        moment = datetime(2003, 2, 1, 16, 5, 7, tzinfo=UTC)
        try:
            same = datetime.strptime(moment.strftime(pattern), pattern)
        except ValueError as error:
            raise InputError(f"--time-format {text!r} is no format of strptime: {error}") from error
        if same.date() != moment.date():
            why = "it does not tell year, month and day; such as %d.%m.%Y %H:%M, dd/mm/yyyy, s, ms or us"
            raise InputError(f"--time-format {text!r}: {why}")
        return cls(text, None, pattern)

    def read(self, values: Sequence[object]) -> NDArray[np.int64]:
        """Return the times of values in ms; ``times.NONE`` where one is no such time. Without a zone it is UTC."""
        if self.unit is not None:
            return np.array([self._count(value) for value in values], np.int64)
        texts = pd.Series([_text(value) for value in values], dtype=object)
        read = pd.to_datetime(texts, format=self.pattern, errors="coerce", utc=True)
        ms = read.dt.tz_localize(None).astype("datetime64[ms]")
        found = np.where(ms.isna(), times.NONE, ms.astype("int64")).astype(np.int64)
        for place, value in enumerate(values):
            if _text(value) is None:  # a cell of a spreadsheet that is a date already
                found[place] = times.from_cell(value)
        return found

    def one(self, value: object) -> int:
        """Return the time of one value, as :meth:`read` does."""
        if self.unit is not None:
            return self._count(value)
        text = _text(value)
        if text is None:
            return times.from_cell(value)
        try:
            return times.from_datetime(datetime.strptime(text, self.pattern))
        except (ValueError, OverflowError):
            return times.NONE

    def _count(self, value: object) -> int:
        try:
            count = float(str(value).strip())
        except ValueError:
            return times.from_cell(value) if not isinstance(value, str) else times.NONE
        assert self.unit is not None
        ms = count * self.unit
        return int(ms) if times.BEGIN <= ms < times.END else times.NONE


def _text(value: object) -> str | None:
    """Return the text of a cell that holds a time as text, or as a number such as 20251226."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else None


def _from_letters(text: str) -> str:
    """Return strptime's format for one such as ``dd.mm.yyyy HH:mm``: m is a minute right after the hour."""
    parts, hour = [], False
    half = "tt" in text or " a" in text
    for token in _TOKEN.findall(text):
        letter = token[0]
        if token in _LETTERS:
            parts.append(_LETTERS[token])
        elif letter in "mM":
            parts.append("%M" if hour else "%m")
        elif letter in _FIRST:
            parts.append("%I" if half and letter in "Hh" else _FIRST[letter])
        else:
            parts.append("%%" if token == "%" else token)
        hour = letter in "Hh" or (hour and not token.isalpha())
    return "".join(parts)
