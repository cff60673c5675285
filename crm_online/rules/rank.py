"""Which rules come first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import sort_keys
from crm_online.rules.table import RuleTable

_Z = 1.959963984540054
"""The normal quantile of 97.5 %."""


def order(table: RuleTable) -> NDArray[np.int64]:
    """Return the rows of a table, the best rule first.

    First come the rules whose lift is surely above 1. Among these, and among the others, best is the largest
    :func:`usefulness`. Ties: confidence, support, the items' names.
    """
    sides = sort_keys([*table.antecedent.T, *table.consequent.T])
    chance = sure_confidence(table) * table.baskets <= table.consequent_count
    return np.lexsort((*sides, -table.support, -table.confidence, -usefulness(table), chance))


def usefulness(table: RuleTable) -> NDArray[np.float64]:
    """Return the score that rules are ranked by: their sure confidence times the root of P(Y).

    Confidence alone puts rules of rare items first, lift rarer ones yet, support rules of items that come with
    everything. How many of the next baskets of those who had X hold Y decided, at many moments of three logs: see
    docs/adr/0025.
    """
    popular: NDArray[np.float64] = np.sqrt(table.consequent_count / table.baskets)
    return sure_confidence(table) * popular


def sure_confidence(table: RuleTable) -> NDArray[np.float64]:
    """Return the lower end of Wilson's 95 % interval of each rule's confidence.

    Notes
    -----
    Wilson: Probable inference, the law of succession, and statistical inference, JASA 1927. The weight of X stands for
    the number of trials, so with decay old baskets count for less of it.
    """
    confidence, trials = table.confidence, table.antecedent_count
    share = _Z**2 / trials
    spread = _Z * np.sqrt(np.maximum(confidence * (1 - confidence), 0.0) / trials + share / trials / 4)
    low: NDArray[np.float64] = np.maximum((confidence + share / 2 - spread) / (1 + share), 0.0)
    return low
