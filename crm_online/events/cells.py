"""Columns of cells into names, times and numbers, each distinct value read once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_online.events import models, times
from crm_online.events.amounts import amount
from crm_online.events.time_columns import from_iso_texts

T = TypeVar("T", bound=np.generic)

NO_TIME = times.NONE
"""The time of a row whose time could not be read."""
_NAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{models.MAX_ID}}}")


def as_name(value: object) -> str | None:
    """Return how a name is written; ``None`` for none.

    Examples
    --------
    >>> as_name(" tea "), as_name(17850.0), as_name("")
    ('tea', '17850', None)
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def is_name(text: str) -> bool:
    """Return whether a text is a name that the models accept."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Names:
    """A column of names: ``codes`` int32[n] are places in ``names``, -1 where there is none."""

    codes: NDArray[np.int32]
    names: list[str]

    @classmethod
    def of(cls, column: pd.Series[Any], written: Callable[[object], str | None] = as_name) -> Names:
        """Make names of a column; ``written`` returns how a value is written, ``None`` for no name."""
        codes, values = distinct(column)
        texts = [written(value) for value in values]
        names = list(dict.fromkeys(text for text in texts if text is not None))
        place = {name: at for at, name in enumerate(names)}
        where = np.array([-1 if text is None else place[text] for text in texts] + [-1], np.int32)
        return cls(where[codes], names)

    @classmethod
    def none(cls, n: int) -> Names:
        """Return a column without names."""
        return cls(np.full(n, -1, np.int32), [])

    def valid(self) -> NDArray[np.bool_]:
        """Return whether each row has no name, or one that the models take."""
        good = np.array([*map(is_name, self.names), True], bool)
        return good[self.codes]

    def text(self, row: int) -> str | None:
        """Return the name of a row."""
        code = int(self.codes[row])
        return None if code < 0 else self.names[code]


def plain(table: pd.DataFrame, nested: str) -> tuple[pd.DataFrame, dict[int, tuple[str, str]]]:
    """Return a table of texts and numbers, and by row what is neither.

    A truth value is the text ``true`` or ``false``. In the column ``nested`` objects and lists are JSON
    texts; elsewhere they are no value, and the row is odd.
    """
    odd: dict[int, tuple[str, str]] = {}
    columns = {}
    for name in table.columns:
        cells = table[name]
        if cells.dtype == bool or (cells.dtype == object and pd.api.types.infer_dtype(cells) not in _PLAIN):
            values = cells.tolist()
            for row, value in enumerate(values):
                if isinstance(value, bool | np.bool_):
                    values[row] = "true" if value else "false"
                elif isinstance(value, dict | list | tuple | set | np.ndarray):
                    values[row] = as_json(value) if name == nested else None
                    if name != nested:
                        odd.setdefault(row, ("a list or an object where one value belongs", name))
            cells = pd.Series(values, dtype=object)
        columns[name] = cells
    return pd.DataFrame(columns), odd


_PLAIN = {"string", "empty", "integer", "date", "decimal"}


def joined(columns: Sequence[pd.Series[Any]]) -> pd.Series[Any]:
    """Return columns put together with a blank: a day and a time of day.

    Examples
    --------
    >>> joined([pd.Series(["2025-12-26", None]), pd.Series(["17:51", "9:00"])]).tolist()
    ['2025-12-26 17:51', '9:00']
    """
    cells = [[_text(cell) for cell in column.tolist()] for column in columns]
    texts = [" ".join(text for text in row if text) or None for row in zip(*cells, strict=True)]
    return pd.Series(texts, dtype=object)


def _text(cell: object) -> str:
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return "" if cell is None or cell is pd.NaT or cell != cell else str(cell).strip()


def as_json(value: object) -> str:
    """Return the JSON of a row or a cell of any table."""
    return json.dumps(value, default=_json_value, ensure_ascii=False)


def _json_value(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def distinct(column: pd.Series[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Return for each row of a column which of its different values it has, -1 for none, and these values.

    Of objects pandas is given the array alone: those of a Series it tries to convert, and pandas 2.2 fails where an
    integer is too large for a float.
    """
    codes, values = pd.factorize(column.to_numpy() if column.dtype == object else column, use_na_sentinel=True)
    return codes, values.tolist()


def each(column: pd.Series[Any], read: Callable[[Any], Any], missing: NDArray[T]) -> NDArray[T]:
    """Return what ``read`` makes of each value of a column, each distinct one once; ``missing`` for an empty cell."""
    codes, values = distinct(column)
    found = np.empty(len(values) + 1, missing.dtype)
    found[:-1] = [read(value) for value in values]
    found[-1:] = missing
    return found[codes]


def times_of(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the times of a column of datetimes or of texts, in ms; ``NO_TIME`` where there is none."""
    if pd.api.types.is_datetime64_any_dtype(column):
        naive = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        ms = naive.to_numpy("datetime64[ms]").astype(np.int64)
        # Not a time is the smallest of all; some types of columns have times that no text can say.
        return np.where((ms < times.EARLIEST) | (ms > times.LATEST), np.int64(NO_TIME), ms)
    codes, values = distinct(column)
    found = np.append(from_iso_texts([str(value).strip() for value in values]), NO_TIME)
    for index in np.flatnonzero(found[:-1] == NO_TIME).tolist():
        found[index] = times.from_cell(values[index])
    return found[codes]


def time_text(time: int, value: object) -> str:
    """Return a time as the models read it, or the cell itself where it is no time."""
    return str(value) if time == NO_TIME else times.to_iso(time)


def numbers_of(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return the numbers of a column; NaN where there is none."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    return each(column, number_of, np.array([np.nan]))


def number_of(value: object) -> float:
    """Return the number that a cell holds; NaN for none, infinity where it is too large for a float.

    Examples
    --------
    >>> number_of("2.50"), number_of("2,50"), number_of(10**400), number_of("$1,234.50")
    (2.5, nan, inf, 1234.5)
    """
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return float("inf")
    found = amount(str(value).strip())
    return float("nan") if found is None else found
