"""The rules in force: those that reach the levels, the best of them where they are too many."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.rules.customers import NOBODY, Buyers
from crm_online.rules.derive import in_blocks
from crm_online.rules.levels import LEAVE, Levels
from crm_online.rules.rank import order
from crm_online.rules.table import NO_ITEM, RuleTable


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules in force, the best first, and which of them were in force before: bool[n]."""

    table: RuleTable
    was_in: NDArray[np.bool_]


def select(
    found: FrequentItemsets, levels: Levels, emitted: Collection[str] = (), buyers: Buyers = NOBODY
) -> Selection:
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
        Ids of the rules that were in force before: they stay at lower levels than others enter.
    buyers
        The orders that are kept, and whose they are.
    """
    before = _Emitted.of(found, emitted)
    support, confidence = levels.enter_support(found.baskets), levels.min_confidence
    if emitted:
        support, confidence = levels.leave_support(found.baskets), levels.least_confidence
    within = math.ceil(levels.most / LEAVE)
    parts, waiting = list[Selection](), 0
    for table in in_blocks(found, support, confidence):
        was_in = before.has(table)
        chosen = np.flatnonzero(np.where(was_in, levels.stays(table), levels.enters(table)))
        reaching = table.take(chosen)
        kept = ~buyers.have_too_few(reaching, levels.min_customers)
        parts.append(Selection(reaching.take(kept), was_in[chosen][kept]))
        waiting += int(np.count_nonzero(kept))
        if waiting > 2 * within:
            parts = [_first(parts, within)]
            waiting = within
    best = _first(parts, within)
    # Who stays keeps its place; others come in only where they are among the best, as far as there is room.
    enters = ~best.was_in & (np.arange(len(best.table)) < levels.most)
    enters &= np.cumsum(enters) <= levels.most - np.count_nonzero(best.was_in)
    rows = np.flatnonzero(best.was_in | enters)
    return Selection(best.table.take(rows), best.was_in[rows])


def _first(parts: Sequence[Selection], most: int) -> Selection:
    """Return the first rules by rank, so many at most, of several selections (one at least)."""
    table, was_in = RuleTable.join([part.table for part in parts]), np.concatenate([part.was_in for part in parts])
    rows = order(table)[:most]
    return Selection(table.take(rows), was_in[rows])


@dataclass(frozen=True, slots=True)
class _Emitted:
    """Rules by the items' places in a list of names: a hash of each, ascending, and antecedent and consequent."""

    hashes: NDArray[np.uint64]
    items: NDArray[np.int32]

    @classmethod
    def of(cls, found: FrequentItemsets, emitted: Collection[str]) -> _Emitted:
        ids = {name: number for number, name in enumerate(found.names)} if emitted else {}
        width = found.sets.items.shape[1] - 1
        rows = []
        for rule in sorted(emitted):
            x, y = ([ids.get(name, NO_ITEM) for name in side] for side in json.loads(rule))
            # A rule of items that are not frequent any more, or of more than there is room for, has left.
            if NO_ITEM not in x + y and max(len(x), len(y)) <= width:
                rows.append([*x, *[NO_ITEM] * (width - len(x)), *y, *[NO_ITEM] * (width - len(y))])
        items = np.array(rows, np.int32).reshape(-1, 2 * width)
        hashes = _hashes(items)
        ascending = np.argsort(hashes, kind="stable")
        return cls(hashes[ascending], items[ascending])

    def has(self, table: RuleTable) -> NDArray[np.bool_]:
        """Return which rules of a table are among these."""
        if not len(self.hashes):
            return np.zeros(len(table), bool)
        items = np.concatenate([table.antecedent, table.consequent], axis=1)
        wanted = _hashes(items)
        place = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        found: NDArray[np.bool_] = (self.items[place] == items).all(axis=1)
        return found


def _hashes(items: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return a number for each row; rows with the same number are compared item by item."""
    mixed = np.zeros(len(items), np.uint64)
    for column in items.T:
        mixed = (mixed ^ column.astype(np.uint32)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
