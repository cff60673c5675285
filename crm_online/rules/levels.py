"""When rules enter and when they leave: support, confidence, and the evidence for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import SLACK
from crm_online.rules.derive import reaches_confidence
from crm_online.rules.redundant import TOLERANCE
from crm_online.rules.table import RuleTable

LEAVE = 0.9
"""A rule that was emitted leaves below this share of the levels, or lower: see ``CHANCE``."""

CHANCE = 2.0
"""Standard errors that count as chance: while baskets are few, rules neither leave nor change by less than these."""

LEAST = 0.5
"""However few the baskets, a rule leaves below this share of the levels."""


@dataclass(frozen=True, slots=True)
class Levels:
    """When rules enter; they leave below ``LEAVE`` times as much.

    Attributes
    ----------
    min_support, min_confidence
        The levels. Support is judged by its upper bound.
    drop_redundant
        Leave rules out that a simpler one does as well as.
    min_count
        Least weight of the baskets with all items of a rule. It is judged by the count, which is a lower bound.
    min_customers
        Least number of different customers who support a rule, as far as the orders that are kept can say.
    most
        How many rules there are at most: the first by rank. A rule that was emitted leaves after rank ``most / LEAVE``.
    """

    min_support: float
    min_confidence: float
    drop_redundant: bool = True
    min_count: float = 0.0
    min_customers: int = 1
    most: int = 1 << 31

    def enter_support(self, baskets: float) -> float:
        """Return the share of baskets from which a rule enters: ``min_support``, or what ``min_count`` baskets are."""
        return max(self.min_support, self.min_count / baskets) if baskets > 0 else self.min_support

    def lacking(self, baskets: float) -> str:
        """Return what is lacking for a rule where none is in force, in words.

        Examples
        --------
        >>> Levels(0.01, 0.3, min_count=10).lacking(4)
        'baskets counted: 4; a rule needs 10 that have all of its items'
        >>> Levels(0.01, 0.3, min_count=10).lacking(187.5)
        'of 187 baskets no 10 have the same items so that a rule would have a confidence of 30 %'
        """
        needed, known = math.ceil(max(self.enter_support(baskets) * baskets, self.min_count)), math.floor(baskets)
        if baskets < self.min_count:
            return f"baskets counted: {known:,}; a rule needs {needed:,} that have all of its items"
        share = f"{100 * self.min_confidence:g} %"
        return (
            f"of {known:,} baskets no {needed:,} have the same items so that a rule would have a confidence of {share}"
        )

    def leave_support(self, baskets: float) -> float:
        """Return the share of baskets down to which ``diff`` needs the itemsets: rules stay in force down to there."""
        return _leave(self.enter_support(baskets) * max(baskets, 1.0)) / max(baskets, 1.0)

    def leave_confidence(self, antecedent_count: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the confidence below which each rule leaves: the less its antecedent weighs, the lower."""
        level = self.min_confidence
        chance = CHANCE * np.sqrt(level * (1 - level) / np.maximum(antecedent_count, 1.0))
        return np.maximum(np.minimum(level * LEAVE, level - chance), level * LEAST)

    @property
    def least_confidence(self) -> float:
        """The confidence down to which rules must be derived: no rule stays in force below it."""
        return self.min_confidence * LEAST

    def enters(self, table: RuleTable) -> NDArray[np.bool_]:
        """Return which rules are in force if they were not before."""
        reaches = _reaches(table, self.min_support, self.min_count, self.min_confidence)
        return reaches & (table.improvement > TOLERANCE) if self.drop_redundant else reaches

    def stays(self, table: RuleTable) -> NDArray[np.bool_]:
        """Return which rules are in force if they were before."""
        support = _leave(self.min_support * max(table.baskets, 1.0)) / max(table.baskets, 1.0)
        confidence = self.leave_confidence(table.antecedent_count)
        reaches = _reaches(table, support, _leave(self.min_count), confidence)
        return reaches & (table.improvement > 0) if self.drop_redundant else reaches


def _leave(count: float) -> float:
    """Return the weight below which a rule leaves that entered at ``count``, whose standard error is its root."""
    return max(min(count * LEAVE, count - CHANCE * math.sqrt(count)), count * LEAST)


def _reaches(
    table: RuleTable, support: float, count: float, confidence: float | NDArray[np.float64]
) -> NDArray[np.bool_]:
    reaches = table.count + table.error >= support * table.baskets * (1 - SLACK)
    reaches &= table.count >= count * (1 - SLACK)
    return reaches & reaches_confidence(table.count, table.antecedent_count, table.error, table.baskets, confidence)
