"""Which rules come first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.rules.table import RuleTable

_Z = 1.959963984540054
"""The normal quantile of 97.5 %."""


def order(table: RuleTable) -> NDArray[np.int64]:
    """Return the rows of a table, the best rule first.

    Best is the largest lift that the rule has with some certainty: the lower end of Wilson's 95 % interval of the
    confidence, over P(Y). A high lift seen a few times comes behind one a little lower seen often. Ties: confidence,
    support, the items' names.

    Notes
    -----
    Wilson: Probable inference, the law of succession, and statistical inference, JASA 1927. The weight of X stands for
    the number of trials, so with decay old baskets count for less of it.
    """
    measures = table.measures
    sides = (*table.consequent.T[::-1], *table.antecedent.T[::-1])
    return np.lexsort((*sides, -measures.support, -measures.confidence, -sure_lift(table)))


def sure_lift(table: RuleTable) -> NDArray[np.float64]:
    """Return the lower end of the 95 % interval of each rule's lift."""
    confidence, trials = table.measures.confidence, table.antecedent_count
    share = _Z**2 / trials
    spread = _Z * np.sqrt(np.maximum(confidence * (1 - confidence), 0.0) / trials + share / trials / 4)
    low = (confidence + share / 2 - spread) / (1 + share)
    return np.maximum(low, 0.0) * table.measures.lift / confidence
