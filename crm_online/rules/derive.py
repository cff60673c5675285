"""All rules of frequent itemsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.keys import keys_of
from crm_online.itemsets.parts import FrequentItemsets
from crm_online.itemsets.reading import SLACK
from crm_online.rules.measures import measure
from crm_online.rules.table import NO_ITEM, RuleTable

_SPLITS = {
    2: [([0], [1]), ([1], [0])],
    3: [([0, 1], [2]), ([0, 2], [1]), ([1, 2], [0]), ([0], [1, 2]), ([1], [0, 2]), ([2], [0, 1])],
}
"""By size, the places of X and of Y in an itemset."""


def derive(found: FrequentItemsets, min_support: float, min_confidence: float) -> RuleTable:
    """Return every rule X ⇒ Y, X and Y not empty, X + Y one of the frequent itemsets, at or above both levels.

    Parameters
    ----------
    min_support
        Judged by the upper bound of X + Y, so that no rule is missed. At least what the itemsets were found with.
    min_confidence
        Judged by the counts of X + Y and of X. Where the itemsets have errors, the true confidence lies between
        count(X + Y) / (count + error)(X) and (count + error)(X + Y) / count(X).

    Examples
    --------
    >>> from crm_online.itemsets.reading import Itemsets
    >>> items = np.array([[0, -1, -1], [1, -1, -1], [0, 1, -1]], np.int32)
    >>> sets = Itemsets(items, np.array([8.0, 4.0, 4.0]), np.zeros(3))
    >>> rules = derive(FrequentItemsets(["cup", "tea"], sets, 10.0, 0), min_support=0.1, min_confidence=0.6)
    >>> rules.ids, rules.measures.lift.tolist()
    (['[["tea"],["cup"]]'], [1.25])
    """
    sets = found.sets
    sizes = sets.sizes
    by_size = {size: sets.items[sizes == size, :size] for size in (1, 2, 3)}
    keys = {size: keys_of(items) for size, items in by_size.items()}
    counts = {size: sets.count[sizes == size] for size in (1, 2, 3)}
    errors = {size: sets.error[sizes == size] for size in (1, 2, 3)}

    def count_of(items: NDArray[np.int32]) -> NDArray[np.float64]:
        size = items.shape[1]
        wanted = keys_of(items)
        place = np.minimum(np.searchsorted(keys[size], wanted), max(len(keys[size]) - 1, 0))
        # A subset of a frequent itemset is frequent; were one not here, its rules could not be measured.
        return (
            np.where(keys[size][place] == wanted, counts[size][place], 0.0) if len(keys[size]) else np.zeros(len(items))
        )

    rows: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
    for size, splits in _SPLITS.items():
        for x, y in splits:
            items, both, error = by_size[size], counts[size], errors[size]
            figures = np.stack([both, error, count_of(items[:, x]), count_of(items[:, y])])
            rows.append((_padded(items[:, x]), _padded(items[:, y]), figures))
    antecedent = np.concatenate([row[0] for row in rows])
    consequent = np.concatenate([row[1] for row in rows])
    both, error, has_x, has_y = np.concatenate([row[2] for row in rows], axis=1)
    chosen = (both > 0) & (has_x > 0) & (has_y > 0)
    chosen &= both + error >= min_support * found.baskets * (1 - SLACK)
    chosen &= both >= min_confidence * has_x * (1 - SLACK)
    both, error, has_x, has_y = both[chosen], error[chosen], has_x[chosen], has_y[chosen]
    return RuleTable(
        found.names,
        antecedent[chosen],
        consequent[chosen],
        measure(both, has_x, has_y, found.baskets),
        both,
        error,
        has_x,
        found.baskets,
    )


def _padded(items: NDArray[np.int32]) -> NDArray[np.int32]:
    side = np.full((len(items), 2), NO_ITEM, np.int32)
    side[:, : items.shape[1]] = items
    return side
