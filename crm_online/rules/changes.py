"""What changed about the rules since they were last emitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.rules.customers import NOBODY, Buyers
from crm_online.rules.emitted import COMPARED, EmittedRules, RuleChange, RuleChangeKind
from crm_online.rules.levels import CHANCE, Levels
from crm_online.rules.measures import MEASURES
from crm_online.rules.selection import Selection, select
from crm_online.rules.table import RuleTable

CHANGE = 0.05
"""A rule has changed when support, confidence or lift differ from what was emitted by more than this share, or more."""

Chances = Callable[[RuleTable], NDArray[np.float64] | None]
"""Returns the chance that each rule comes true in the next basket; ``None``: nothing was learned."""


def diff(
    found: FrequentItemsets,
    emitted: EmittedRules,
    levels: Levels,
    buyers: Buyers = NOBODY,
    chances: Chances = lambda _: None,
) -> list[RuleChange]:
    """Return what to emit: first the rules that left, by id, then those that entered or changed, by rank.

    Parameters
    ----------
    found
        The itemsets now, at ``levels.leave_support(baskets)``.
    emitted
        The rules in force; its ``update`` records what is emitted.
    buyers
        The orders that are kept, and whose they are.
    chances
        What rules are ranked by; without chances the rank is that of :func:`crm_online.rules.rank.order`.
    """
    chosen = select(found, levels, emitted, buyers)
    chance = chances(chosen.table)
    if chance is not None:
        rows = np.argsort(-chance, kind="stable")
        chosen, chance = chosen.take(rows), chance[rows]
    stays = np.zeros(len(emitted), bool)
    stays[chosen.before[chosen.was_in]] = True
    left = sorted(rule for rule, there in zip(emitted, stays.tolist(), strict=True) if not there)
    rows = np.flatnonzero(~chosen.was_in | _differs(chosen, emitted.figures))
    return [emitted[rule].gone() for rule in left] + _changes(chosen, rows, chance)


def in_force(
    found: FrequentItemsets, levels: Levels, buyers: Buyers = NOBODY, chances: Chances = lambda _: None
) -> list[RuleChange]:
    """Return all rules at or above the levels, the best first, as if none had been emitted.

    ``found`` is at ``levels.enter_support(baskets)`` or below.
    """
    return diff(found, EmittedRules(), levels, buyers, chances)


def _differs(chosen: Selection, figures: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rules differ from what was emitted, of those that were in force."""
    differs, rows = np.zeros(len(chosen.table), bool), np.flatnonzero(chosen.was_in)
    measures = chosen.table.measures
    now = np.stack([getattr(measures, name)[rows] for name in COMPARED], axis=1)
    then = figures[chosen.before[rows]]
    tolerance = np.maximum(CHANGE, CHANCE / np.sqrt(np.maximum(chosen.table.count[rows], 1.0)))
    differs[rows] = (np.abs(now - then) > tolerance[:, None] * then).any(axis=1)
    return differs


def _changes(chosen: Selection, rows: NDArray[np.int64], chance: NDArray[np.float64] | None) -> list[RuleChange]:
    """Return the changes of some rules; the table is in order of rank."""
    table = chosen.table.take(rows)
    columns = {name: getattr(table.measures, name) for name in MEASURES} | {"count": table.count, "error": table.error}
    chances = [None] * len(rows) if chance is None else chance[rows].tolist()
    figures = zip(*(column.tolist() for column in columns.values()), chances, strict=True)
    kinds = [RuleChangeKind.CHANGED if was_in else RuleChangeKind.ENTERED for was_in in chosen.was_in[rows].tolist()]
    places = enumerate(zip(rows.tolist(), kinds, figures, strict=True))
    return [
        _change(table, row, kind, dict(zip([*columns, "p_next_basket"], figure, strict=True)), rank=place + 1)
        for row, (place, kind, figure) in places
    ]


def _change(table: RuleTable, row: int, kind: RuleChangeKind, figures: dict[str, float], *, rank: int) -> RuleChange:
    conviction = figures.pop("conviction")
    finite = None if conviction == np.inf else conviction
    x, y = table.sides(row)
    return RuleChange(table.ids[row], kind, x, y, **figures, conviction=finite, baskets=table.baskets, rank=rank)
