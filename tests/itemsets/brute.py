"""Truths by brute force: decayed weights of every itemset of a log, with sets and loops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.reading import NO_ITEM

Log = Sequence[tuple[int, Sequence[int]]]


def true_weights(
    log: Log, half_life: int | None, as_of: int, max_size: int = 3
) -> tuple[float, dict[tuple[int, ...], float]]:
    """Return N and the weight of each itemset of up to ``max_size`` items, as of a time."""
    total = 0.0
    weights: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for time, items in log:
        basket = sorted(set(items))
        weight = 1.0 if half_life is None else 2.0 ** ((time - as_of) / half_life)
        total += weight if basket else 0.0
        for size in range(1, max_size + 1):
            for itemset in combinations(basket, size):
                weights[itemset] += weight
    return total, dict(weights)


def batches(log: Log, size: int) -> list[Baskets]:
    """Cut a log into batches."""
    return [Baskets.of(log[begin : begin + size]) for begin in range(0, len(log), size)]


def padded(itemsets: Sequence[tuple[int, ...]]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Return itemsets as rows of six ids."""
    rows = np.full((len(itemsets), 6), NO_ITEM, np.int32)
    for row, itemset in zip(rows, itemsets, strict=True):
        row[: len(itemset)] = itemset
    return rows
