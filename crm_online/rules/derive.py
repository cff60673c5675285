"""All rules of frequent itemsets, some itemsets at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.itemsets.reading import SLACK
from crm_online.rules.redundant import improvement
from crm_online.rules.subsets import SubsetIndex
from crm_online.rules.table import NO_ITEM, RuleTable

BLOCK = 1 << 18
"""Rules that are looked at together, at most, so that memory stays bounded whatever there is."""

MOST_CANDIDATES = 1 << 22
"""Rules that are looked at for itemsets of one size, at most: those of the itemsets with the largest weights."""


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
    return RuleTable.join(list(in_blocks(found, min_support, min_confidence)))


def in_blocks(found: FrequentItemsets, min_support: float, min_confidence: float) -> Iterator[RuleTable]:
    """Give the rules of :func:`derive` in tables (one at least), each of at most ``BLOCK`` rules.

    Of more than ``MOST_CANDIDATES`` rules of itemsets of one size, those of the itemsets that come most often are
    looked at, equals in order of their items.
    """
    index = SubsetIndex.of(found.sets)
    yield _table(found, [])
    for size in range(2, found.sets.items.shape[1] + 1):
        splits = (1 << size) - 2
        count, error = index.count[size - 1], index.error[size - 1]
        rows = np.flatnonzero((count > 0) & (count + error >= min_support * found.baskets * (1 - SLACK)))
        most = MOST_CANDIDATES // splits
        if len(rows) > most:
            rows = np.sort(rows[np.argsort(-count[rows], kind="stable")[:most]])
        step = BLOCK // splits
        for begin in range(0, len(rows), step):
            chosen = rows[begin : begin + step]
            yield _rules_of(found, index, size, chosen, min_confidence)


def reaches_confidence(
    both: NDArray[np.float64],
    antecedent: NDArray[np.float64],
    error: NDArray[np.float64],
    baskets: float,
    least: float | NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which rules have a confidence of at least ``least``.

    Plain counts are judged as mlxtend does, which divides the support of X + Y by that of X: at the edge its rounding
    decides, and so it does here. Decayed counts, and bounds, are rounded sums already: a share of ``SLACK`` below is
    taken.
    """
    plain = (error == 0) & (both == np.floor(both)) & (antecedent == np.floor(antecedent))
    as_mlxtend = (both / baskets) / (antecedent / baskets) >= least
    reaches: NDArray[np.bool_] = np.where(plain, as_mlxtend, both >= least * antecedent * (1 - SLACK))
    return reaches


_Rows = tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
]
"""X, Y, count and error of X + Y, weights of X and of Y, and the improvement, of some rules."""


def _rules_of(
    found: FrequentItemsets, index: SubsetIndex, size: int, rows: NDArray[np.int64], min_confidence: float
) -> RuleTable:
    """Return the rules of some itemsets of one size."""
    items, both, error = index.items[size - 1][rows], index.count[size - 1][rows], index.error[size - 1][rows]
    subsets = index.subsets(items)
    every = (1 << size) - 1
    blocks: list[_Rows] = []
    for x in range(1, every):
        has_x, has_y = subsets[x], subsets[every ^ x]
        with np.errstate(divide="ignore", invalid="ignore"):
            reaches = reaches_confidence(both, has_x, error, found.baskets, min_confidence)
        chosen = np.flatnonzero((has_x > 0) & (has_y > 0) & reaches)
        blocks.append(
            (
                _side(items[chosen], x, found.sets.items.shape[1] - 1),
                _side(items[chosen], every ^ x, found.sets.items.shape[1] - 1),
                both[chosen],
                error[chosen],
                has_x[chosen],
                has_y[chosen],
                improvement(subsets, x, every ^ x, chosen),
            )
        )
    return _table(found, blocks)


def _side(items: NDArray[np.int32], columns: int, width: int) -> NDArray[np.int32]:
    side = np.full((len(items), width), NO_ITEM, np.int32)
    chosen = [column for column in range(items.shape[1]) if columns >> column & 1]
    side[:, : len(chosen)] = items[:, chosen]
    return side


def _table(found: FrequentItemsets, blocks: list[_Rows]) -> RuleTable:
    none, sides = np.empty(0), np.empty((0, found.sets.items.shape[1] - 1), np.int32)
    columns = [(sides, sides, none, none, none, none, none), *blocks]
    x, y, both, error, has_x, has_y, better = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return RuleTable(found.names, x, y, both, error, has_x, has_y, better, found.baskets)
