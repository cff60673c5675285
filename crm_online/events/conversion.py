"""Cells by the options on times and numbers, into what all presets read: ISO 8601 times, and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_online.errors import InputError
from crm_online.events import times
from crm_online.events.amounts import COMMA, POINT, amount
from crm_online.events.cells import distinct, each
from crm_online.events.time_format import TimeFormat

Odd = dict[int, tuple[str, str]]
"""By row, why a cell is no value, and the role of its column."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How times and numbers are written.

    Attributes
    ----------
    time
        The format of times, ``None`` for those that are read anyway.
    decimal
        What stands before decimals.
    """

    time: TimeFormat | None = None
    decimal: str = POINT

    @classmethod
    def of(cls, time_format: str | None, decimal: str | None) -> Conversion:
        """Return the conversion of two options.

        Raises
        ------
        InputError
            If one is no format.
        """
        if decimal not in (None, POINT, COMMA):
            raise InputError(f"--decimal is . or , and not {decimal!r}")
        return cls(TimeFormat.of(time_format) if time_format else None, decimal or POINT)

    def __bool__(self) -> bool:
        """Return whether there is anything to convert."""
        return self.time is not None or self.decimal != POINT

    def table(self, table: pd.DataFrame, time: Iterable[str], numbers: Iterable[str]) -> tuple[pd.DataFrame, Odd]:
        """Return a table with its columns of times and of numbers converted, and the rows whose time does not fit."""
        odd: Odd = {}
        changed: dict[str, pd.Series[Any]] = {}
        for name in (name for name in time if self.time is not None and name in table):
            changed[name] = self._times(table[name], name, odd)
        for name in (name for name in numbers if self.decimal != POINT and name in table):
            changed[name] = self._numbers(table[name])
        return table.assign(**changed) if changed else table, odd

    def time_of(self, value: object) -> object:
        """Return one time as an ISO 8601 text; what does not fit as it is."""
        if self.time is None or value is None:
            return value
        ms = self.time.one(value)
        return value if ms == times.NONE else times.to_iso(ms)

    def number_of(self, value: object) -> object:
        """Return one number converted; anything else unchanged."""
        if not isinstance(value, str):
            return value
        found = amount(value, self.decimal)
        return value if found is None else found

    def _times(self, column: pd.Series[Any], name: str, odd: Odd) -> pd.Series[Any]:
        assert self.time is not None
        if pd.api.types.is_datetime64_any_dtype(column):
            return column
        codes, values = distinct(column)
        read = self.time.read(values).tolist()
        texts: list[str | None] = [None if ms == times.NONE else times.to_iso(ms) for ms in read]
        blank = np.array([not str(value).strip() for value in values] + [True], bool)
        failed = np.array([text is None for text in texts] + [True], bool) & ~blank
        for row in np.flatnonzero(failed[codes]).tolist():
            odd[row] = (f"time does not fit --time-format {self.time.text}", name)
        found = np.array([*texts, None], dtype=object)
        return pd.Series(found[codes], dtype=object, index=column.index)

    def _numbers(self, column: pd.Series[Any]) -> pd.Series[Any]:
        if pd.api.types.is_numeric_dtype(column):
            return column
        found = each(column, self.number_of, np.array([None]))
        return pd.Series(found, dtype=object, index=column.index)


NO_CONVERSION = Conversion()
"""No option: times and numbers are as most logs have them."""
