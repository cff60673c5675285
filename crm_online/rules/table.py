"""A table of rules, and the rules' ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crm_online.rules.measures import Measures

NO_ITEM = -1
"""Fills the second place of a side that has one item."""


@dataclass(frozen=True)
class RuleTable:
    """Rules X ⇒ Y as columns.

    Attributes
    ----------
    names
        Names by item id.
    antecedent, consequent
        Item ids of X and Y, ascending, padded with -1; shape (n, 2).
    measures
        Support, confidence and so on; each of shape (n,).
    count, error
        Bounds of the weight of X + Y: count ≤ true ≤ count + error.
    antecedent_count
        Weight of X.
    baskets
        Weight of all baskets.
    """

    names: Sequence[str]
    antecedent: NDArray[np.int32]
    consequent: NDArray[np.int32]
    measures: Measures
    count: NDArray[np.float64]
    error: NDArray[np.float64]
    antecedent_count: NDArray[np.float64]
    baskets: float

    def __len__(self) -> int:
        """Return the number of rules."""
        return len(self.count)

    @cached_property
    def ids(self) -> list[str]:
        """The rules' ids: canonical JSON, two arrays of names in ascending order.

        No blanks; only quotes, backslashes and control characters are escaped.
        """
        quoted = [json.dumps(name, ensure_ascii=False) for name in self.names]
        found = []
        for (a, b), (c, d) in zip(self.antecedent.tolist(), self.consequent.tolist(), strict=True):
            x = quoted[a] if b == NO_ITEM else f"{quoted[a]},{quoted[b]}"
            y = quoted[c] if d == NO_ITEM else f"{quoted[c]},{quoted[d]}"
            found.append(f"[[{x}],[{y}]]")
        return found

    def sides(self, row: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of X and of Y."""
        x, y = self.antecedent[row].tolist(), self.consequent[row].tolist()
        return (
            tuple(self.names[item] for item in x if item != NO_ITEM),
            tuple(self.names[item] for item in y if item != NO_ITEM),
        )
