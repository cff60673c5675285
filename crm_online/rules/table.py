"""A table of rules, and the rules' ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.rules.measures import Measures, measure

NO_ITEM = -1
"""Fills the places of a side that has fewer items than there is room for."""


@dataclass(frozen=True)
class RuleTable:
    """Rules X ⇒ Y as columns.

    Attributes
    ----------
    names
        Names by item id.
    antecedent, consequent
        Item ids of X and Y, ascending, padded with -1; shape (n, w), w one less than itemsets have items at most.
    count, error
        Bounds of the weight of X + Y: count ≤ true ≤ count + error.
    antecedent_count, consequent_count
        Weights of X and of Y.
    improvement
        By how much the confidence is better than the best simpler rule's, see :mod:`crm_online.rules.redundant`;
        infinite without one.
    baskets
        Weight of all baskets.
    """

    names: Sequence[str]
    antecedent: NDArray[np.int32]
    consequent: NDArray[np.int32]
    count: NDArray[np.float64]
    error: NDArray[np.float64]
    antecedent_count: NDArray[np.float64]
    consequent_count: NDArray[np.float64]
    improvement: NDArray[np.float64]
    baskets: float

    def __len__(self) -> int:
        """Return the number of rules."""
        return len(self.count)

    @property
    def support(self) -> NDArray[np.float64]:
        """P(X + Y) of each rule."""
        return self.count / self.baskets

    @property
    def confidence(self) -> NDArray[np.float64]:
        """P(X + Y) / P(X) of each rule."""
        return self.count / self.antecedent_count

    @cached_property
    def measures(self) -> Measures:
        """Support, confidence and all the others: most rules are seen to be left out by the first two."""
        return measure(self.count, self.antecedent_count, self.consequent_count, self.baskets)

    @cached_property
    def ids(self) -> list[str]:
        """The rules' ids: canonical JSON, two arrays of names in ascending order.

        No blanks; only quotes, backslashes and control characters are escaped.
        """
        used = np.unique(np.concatenate([self.antecedent.ravel(), self.consequent.ravel()]))
        quoted = {item: json.dumps(self.names[item], ensure_ascii=False) for item in used.tolist() if item != NO_ITEM}

        def written(side: list[int]) -> str:
            return ",".join([quoted[item] for item in side if item != NO_ITEM])

        sides = zip(self.antecedent.tolist(), self.consequent.tolist(), strict=True)
        return [f"[[{written(x)}],[{written(y)}]]" for x, y in sides]

    def sides(self, row: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of X and of Y."""
        x, y = self.antecedent[row].tolist(), self.consequent[row].tolist()
        return (
            tuple(self.names[item] for item in x if item != NO_ITEM),
            tuple(self.names[item] for item in y if item != NO_ITEM),
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some rows as a table of their own."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return type(self)(names=self.names, baskets=self.baskets, **columns)

    @classmethod
    def join(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of several tables (one at least) of the same itemsets, one table after the other."""
        if len(tables) == 1:
            return tables[0]
        first = tables[0]
        columns = {name: np.concatenate([getattr(one, name) for one in tables]) for name in _COLUMNS}
        return cls(names=first.names, baskets=first.baskets, **columns)


_COLUMNS = [field.name for field in fields(RuleTable) if field.name not in ("names", "baskets")]
