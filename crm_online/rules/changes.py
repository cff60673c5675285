"""What changed about the rules since they were last emitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.rules.customers import NOBODY, Buyers
from crm_online.rules.levels import CHANCE, Levels
from crm_online.rules.measures import MEASURES
from crm_online.rules.selection import select
from crm_online.rules.table import RuleTable

CHANGE = 0.05
"""A rule has changed when support, confidence or lift differ from what was emitted by more than this share, or more."""


class Change(StrEnum):
    """What happened to a rule."""

    ENTERED = "entered"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of one rule, with its measures; for a rule that left, those last emitted."""

    id: str
    change: Change
    antecedent: tuple[str, ...]
    consequent: tuple[str, ...]
    support: float
    confidence: float
    lift: float
    article_gain: float
    mutual_information: float
    leverage: float
    conviction: float | None
    count: float
    error: float
    baskets: float
    rank: int

    def value(self) -> dict[str, Any]:
        """Return the fields of the change feed, without ``change_id``; an infinite conviction is None."""
        value: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "id"}
        return value | {"antecedent": list(self.antecedent), "consequent": list(self.consequent)}

    @classmethod
    def of_value(cls, id_: str, value: Mapping[str, Any]) -> Self:
        """Return the change of an id and its ``value``; other fields are left aside."""
        fields = {name: value[name] for name in cls.__slots__ if name != "id"}
        fields["change"] = Change(fields["change"])
        fields["antecedent"], fields["consequent"] = tuple(fields["antecedent"]), tuple(fields["consequent"])
        return cls(id=id_, **fields)

    def gone(self) -> Self:
        """Return the change that tells that this rule left."""
        return type(self)(**{name: getattr(self, name) for name in self.__slots__} | {"change": Change.LEFT})


def diff(
    found: FrequentItemsets, emitted: Mapping[str, RuleChange], levels: Levels, buyers: Buyers = NOBODY
) -> list[RuleChange]:
    """Return what to emit: first the rules that left, by id, then those that entered or changed, by rank.

    Parameters
    ----------
    found
        The itemsets now, at ``levels.leave_support(baskets)``.
    emitted
        The last change emitted of each rule in force, by id. ``update`` keeps it.
    buyers
        The orders that are kept, and whose they are.
    """
    chosen = select(found, levels, emitted.keys(), buyers)
    table, ids = chosen.table, chosen.table.ids
    news = ~chosen.was_in
    kept = np.flatnonzero(chosen.was_in)
    news[kept] = _differs(table, kept, [emitted[ids[row]] for row in kept.tolist()])
    left = [emitted[rule].gone() for rule in sorted(emitted.keys() - set(ids))]
    rows = np.flatnonzero(news)
    kinds = np.where(chosen.was_in[rows], Change.CHANGED, Change.ENTERED).tolist()
    return left + _changes(table, rows, [Change(kind) for kind in kinds])


def update(emitted: dict[str, RuleChange], changes: list[RuleChange]) -> None:
    """Take changes into the record of what was emitted."""
    for change in changes:
        if change.change is Change.LEFT:
            del emitted[change.id]
        else:
            emitted[change.id] = change


def in_force(found: FrequentItemsets, levels: Levels, buyers: Buyers = NOBODY) -> list[RuleChange]:
    """Return all rules at or above the levels, the best first, as if none had been emitted.

    ``found`` is at ``levels.enter_support(baskets)`` or below.
    """
    return diff(found, {}, levels, buyers)


def _differs(table: RuleTable, rows: NDArray[np.int64], last: list[RuleChange]) -> NDArray[np.bool_]:
    measures = table.measures
    now = np.stack([measures.support[rows], measures.confidence[rows], measures.lift[rows]], axis=1)
    then = np.array([(change.support, change.confidence, change.lift) for change in last]).reshape(-1, 3)
    tolerance = np.maximum(CHANGE, CHANCE / np.sqrt(np.maximum(table.count[rows], 1.0)))
    differs: NDArray[np.bool_] = (np.abs(now - then) > tolerance[:, None] * then).any(axis=1)
    return differs


def _changes(table: RuleTable, rows: NDArray[np.int64], kinds: list[Change]) -> list[RuleChange]:
    """Return the changes of some rows of a table that is in order of rank."""
    measures = table.measures
    columns = {name: getattr(measures, name) for name in MEASURES} | {"count": table.count, "error": table.error}
    figures = zip(*(column[rows].tolist() for column in columns.values()), strict=True)
    return [
        _change(table, row, kind, dict(zip(columns, figure, strict=True)))
        for row, kind, figure in zip(rows.tolist(), kinds, figures, strict=True)
    ]


def _change(table: RuleTable, row: int, kind: Change, figures: dict[str, float]) -> RuleChange:
    conviction = figures.pop("conviction")
    finite = None if conviction == np.inf else conviction
    x, y = table.sides(row)
    return RuleChange(table.ids[row], kind, x, y, **figures, conviction=finite, baskets=table.baskets, rank=row + 1)
