"""Filters of rows: ``status=paid`` keeps those that are paid, ``status!=void`` leaves the void ones out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.events import paths
from crm_online.events.cells import as_name


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are read.

    Attributes
    ----------
    values
        By column, the values that a row may have there, without regard to case; it must fit every column.
    barred
        By column, the values that it may not have.
    """

    values: Mapping[str, frozenset[str]]
    barred: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> RowFilter:
        """Return the filter of pairs of column and value; ``column!`` bars a value.

        Values of one column are alternatives, and of those that are barred it may have none.
        """
        values: dict[str, set[str]] = {}
        barred: dict[str, set[str]] = {}
        for column, value in pairs:
            some = barred if column.endswith("!") else values
            some.setdefault(column.removesuffix("!"), set()).add(value.strip().casefold())
        return cls(*({column: frozenset(found) for column, found in some.items()} for some in (values, barred)))

    def __bool__(self) -> bool:
        """Return whether it leaves any row out."""
        return bool(self.values or self.barred)

    @property
    def columns(self) -> list[str]:
        """The columns that count."""
        return list(dict.fromkeys((*self.values, *self.barred)))

    def matches(self, value: Mapping[str, object]) -> bool:
        """Return whether a JSON object is read; of a list, any member will do."""
        if not all(self._value_matches(paths.at(value, column), some) for column, some in self.values.items()):
            return False
        return not any(self._value_matches(paths.at(value, column), some) for column, some in self.barred.items())

    def matching_rows(self, n: int, cells: Mapping[str, Sequence[object]]) -> NDArray[np.bool_]:
        """Return which of ``n`` rows of a table are read, by the cells of the columns that count."""
        good = np.ones(n, bool)
        for name, some in self.values.items():
            good &= np.fromiter((_text(cell) in some for cell in cells[name]), bool, n)
        for name, some in self.barred.items():
            good &= np.fromiter((_text(cell) not in some for cell in cells[name]), bool, n)
        return good

    def _value_matches(self, part: object, some: frozenset[str]) -> bool:
        if isinstance(part, list):
            return any(_text(one) in some for one in part)
        return _text(part) in some


NO_FILTER = RowFilter({}, {})
"""Every row is read."""


def _text(value: object) -> str:
    if value is None or value is paths.MISSING or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return (as_name(value) or "").casefold()
