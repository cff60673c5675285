"""The rules in force: those that reach the levels, the best of them where they are too many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.itemsets.reading import ABSENT, ItemsetIndex
from crm_online.rules.customers import NOBODY, Buyers
from crm_online.rules.derive import in_blocks
from crm_online.rules.emitted import EmittedRules
from crm_online.rules.levels import LEAVE, Levels
from crm_online.rules.rank import order
from crm_online.rules.table import RuleTable


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules in force, the best first.

    Attributes
    ----------
    before
        Place of each rule among those that were in force before, ``ABSENT`` where it was not; int64[n].
    """

    table: RuleTable
    before: NDArray[np.int64]

    @property
    def was_in(self) -> NDArray[np.bool_]:
        """Which rules were in force before, bool[n]."""
        was_in: NDArray[np.bool_] = self.before != ABSENT
        return was_in

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Selection:
        """Return some of the rules."""
        return Selection(self.table.take(rows), self.before[rows])


def select(found: FrequentItemsets, levels: Levels, emitted: EmittedRules, buyers: Buyers = NOBODY) -> Selection:
    """Return the rules in force.

    Never more than a block of rules, and as many as can be in force, are held at a time.

    Parameters
    ----------
    found
        The itemsets at ``levels.leave_support(baskets)``, or at ``levels.enter_support(baskets)`` if nothing was
        emitted.
    levels
        What rules must reach.
    emitted
        The rules that were in force before: they stay at lower levels than others enter.
    buyers
        The orders that are kept, and whose they are.
    """
    places, items = emitted.sides(found.names, found.sets.items.shape[1] - 1)
    index = ItemsetIndex(items)
    support, confidence = levels.enter_support(found.baskets), levels.min_confidence
    if emitted:
        support, confidence = levels.leave_support(found.baskets), levels.least_confidence
    within = math.ceil(levels.most / LEAVE)
    parts, waiting = list[Selection](), 0
    for table in in_blocks(found, support, confidence):
        row = index.find(np.concatenate([table.antecedent, table.consequent], axis=1))
        before = np.where(row != ABSENT, places[row], ABSENT) if len(places) else row
        chosen = np.where(before != ABSENT, levels.stays(table), levels.enters(table))
        reaching = Selection(table, before).take(chosen)
        kept = ~buyers.have_too_few(reaching.table, levels.min_customers)
        parts.append(reaching.take(kept))
        waiting += int(np.count_nonzero(kept))
        if waiting > 2 * within:
            parts = [_first(parts, within)]
            waiting = within
    best = _first(parts, within)
    # Who stays keeps its place; others come in only where they are among the best, as far as there is room.
    enters = ~best.was_in & (np.arange(len(best.table)) < levels.most)
    enters &= np.cumsum(enters) <= levels.most - np.count_nonzero(best.was_in)
    return best.take(best.was_in | enters)


def _first(parts: Sequence[Selection], most: int) -> Selection:
    """Return the first rules by rank, so many at most, of several selections (one at least)."""
    every = Selection(RuleTable.join([part.table for part in parts]), np.concatenate([part.before for part in parts]))
    return every.take(order(every.table)[:most])
