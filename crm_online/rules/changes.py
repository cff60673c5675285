"""What changed about the rules since they were last emitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import SLACK
from crm_online.rules.measures import MEASURES
from crm_online.rules.rank import ranks
from crm_online.rules.redundant import TOLERANCE, improvement
from crm_online.rules.table import RuleTable

LEAVE = 0.9
"""A rule that was emitted leaves below this share of the levels, or lower: see ``CHANCE``."""

CHANGE = 0.05
"""A rule has changed when support, confidence or lift differ from what was emitted by more than this share, or more."""

CHANCE = 2.0
"""Standard errors that count as chance: while baskets are few, rules neither leave nor change by less than these."""

LEAST = 0.5
"""However few the baskets, a rule leaves below this share of the levels."""


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


@dataclass(frozen=True, slots=True)
class Levels:
    """When rules enter; they leave below ``LEAVE`` times as much.

    Attributes
    ----------
    min_support, min_confidence
        The levels. Support is judged by its upper bound.
    drop_redundant
        Leave rules out that a simpler one does as well as.
    """

    min_support: float
    min_confidence: float
    drop_redundant: bool = True

    def leave_support(self, baskets: float) -> float:
        """Return what itemsets and rules must be derived with, for ``diff`` to see the rules that stay."""
        chance = CHANCE * math.sqrt(self.min_support / max(baskets, 1.0))
        return max(min(self.min_support * LEAVE, self.min_support - chance), self.min_support * LEAST)

    def leave_confidence(self, antecedent_count: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the confidence below which rules leave, by the weight of their antecedents."""
        level = self.min_confidence
        chance = CHANCE * np.sqrt(level * (1 - level) / np.maximum(antecedent_count, 1.0))
        return np.maximum(np.minimum(level * LEAVE, level - chance), level * LEAST)

    @property
    def least_confidence(self) -> float:
        """What the rules must be derived with."""
        return self.min_confidence * LEAST


def diff(table: RuleTable, emitted: Mapping[str, RuleChange], levels: Levels) -> list[RuleChange]:
    """Return what to emit: first the rules that left, by id, then those that entered or changed, by rank.

    Parameters
    ----------
    table
        The rules now, derived at ``levels.leave_support(baskets)`` and ``levels.least_confidence``.
    emitted
        The last change emitted of each rule in force, by id. ``update`` keeps it.
    """
    ids = table.ids
    old = [emitted.get(rule) for rule in ids]
    was_in = np.fromiter((change is not None for change in old), bool, len(old))
    in_force = np.where(was_in, _stays(table, levels), _enters(table, levels))
    rank = ranks(table, in_force)
    news = in_force & ~was_in
    kept = np.flatnonzero(in_force & was_in)
    last = [change for change, keeps in zip(old, in_force.tolist(), strict=True) if change is not None and keeps]
    news[kept] = _differs(table, kept, last)
    staying = {rule for rule, keeps in zip(ids, in_force.tolist(), strict=True) if keeps}
    left = [emitted[rule].gone() for rule in sorted(emitted.keys() - staying)]
    rows = np.flatnonzero(news)
    rows = rows[np.argsort(rank[rows], kind="stable")]
    kinds = np.where(was_in[rows], Change.CHANGED, Change.ENTERED).tolist()
    return left + _changes(table, rows, [Change(kind) for kind in kinds], rank)


def update(emitted: dict[str, RuleChange], changes: list[RuleChange]) -> None:
    """Take changes into the record of what was emitted."""
    for change in changes:
        if change.change is Change.LEFT:
            del emitted[change.id]
        else:
            emitted[change.id] = change


def in_force(table: RuleTable, levels: Levels) -> list[RuleChange]:
    """Return all rules at or above the levels, the best first, as if none had been emitted."""
    return diff(table, {}, levels)


def _enters(table: RuleTable, levels: Levels) -> NDArray[np.bool_]:
    return _reaches(table, levels.min_support, levels.min_confidence, TOLERANCE if levels.drop_redundant else -np.inf)


def _stays(table: RuleTable, levels: Levels) -> NDArray[np.bool_]:
    leave = levels.leave_confidence(table.antecedent_count)
    return _reaches(table, levels.leave_support(table.baskets), leave, 0.0 if levels.drop_redundant else -np.inf)


def _reaches(
    table: RuleTable, support: float, confidence: float | NDArray[np.float64], better: float
) -> NDArray[np.bool_]:
    reaches = table.count + table.error >= support * table.baskets * (1 - SLACK)
    reaches &= table.measures.confidence >= confidence * (1 - SLACK)
    if better > -np.inf:
        reaches &= improvement(table) > better
    return reaches


def _differs(table: RuleTable, rows: NDArray[np.int64], last: list[RuleChange]) -> NDArray[np.bool_]:
    measures = table.measures
    now = np.stack([measures.support[rows], measures.confidence[rows], measures.lift[rows]], axis=1)
    then = np.array([(change.support, change.confidence, change.lift) for change in last]).reshape(-1, 3)
    tolerance = np.maximum(CHANGE, CHANCE / np.sqrt(np.maximum(table.count[rows], 1.0)))
    differs: NDArray[np.bool_] = (np.abs(now - then) > tolerance[:, None] * then).any(axis=1)
    return differs


def _changes(
    table: RuleTable, rows: NDArray[np.int64], kinds: list[Change], rank: NDArray[np.int64]
) -> list[RuleChange]:
    measures = table.measures
    columns = {name: getattr(measures, name) for name in MEASURES} | {"count": table.count, "error": table.error}
    figures = zip(*(column[rows].tolist() for column in columns.values()), strict=True)
    return [
        _change(table, row, kind, place, dict(zip(columns, figure, strict=True)))
        for row, kind, figure, place in zip(rows.tolist(), kinds, figures, rank[rows].tolist(), strict=True)
    ]


def _change(table: RuleTable, row: int, kind: Change, rank: int, figures: dict[str, float]) -> RuleChange:
    conviction = figures.pop("conviction")
    finite = None if conviction == np.inf else conviction
    x, y = table.sides(row)
    return RuleChange(table.ids[row], kind, x, y, **figures, conviction=finite, baskets=table.baskets, rank=rank)
