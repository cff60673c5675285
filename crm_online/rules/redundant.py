"""Rules that a simpler rule does as well as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.rules.table import NO_ITEM, RuleTable

TOLERANCE = 1e-3
"""A rule enters when its confidence is better than each simpler rule's by more than this, and leaves when no better."""


def improvement(table: RuleTable) -> NDArray[np.float64]:
    """Return by how much each rule's confidence is better than the best simpler rule's; infinite without one.

    A simpler rule has the same consequent and a part of the antecedent, at least one item. If it does as
    well it is in the table: its support and its confidence are not lower.

    Notes
    -----
    Bayardo, Agrawal, Gunopulos: Constraint-based rule mining in large, dense databases, ICDE 1999 (improvement).
    """
    single = (table.antecedent[:, 1] == NO_ITEM) & (table.consequent[:, 1] == NO_ITEM)
    keys = table.antecedent[:, 0].astype(np.int64) << 32 | table.consequent[:, 0]
    order = np.flatnonzero(single)[np.argsort(keys[single], kind="stable")]
    sorted_keys = keys[order]
    best = np.full(len(table), -np.inf)
    double = np.flatnonzero(table.antecedent[:, 1] != NO_ITEM)
    if len(order):
        for column in (0, 1):
            wanted = table.antecedent[double, column].astype(np.int64) << 32 | table.consequent[double, 0]
            place = np.minimum(np.searchsorted(sorted_keys, wanted), len(order) - 1)
            simpler = np.where(sorted_keys[place] == wanted, table.measures.confidence[order[place]], -np.inf)
            best[double] = np.maximum(best[double], simpler)
    better: NDArray[np.float64] = table.measures.confidence - best
    return better


def is_redundant(table: RuleTable, tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
    """Return which rules are no more than ``tolerance`` better than a simpler one."""
    return improvement(table) <= tolerance
