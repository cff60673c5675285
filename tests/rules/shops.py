"""Rules of made and of real logs, and the same by pyfim."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from fim import arules

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import FrequentItemsets, PartitionCounters, merge

Rule = tuple[tuple[str, ...], tuple[str, ...]]


def found_in(baskets: Sequence[Sequence[str]], min_support: float) -> FrequentItemsets:
    """Return the frequent itemsets of some baskets, counted exactly."""
    ids: dict[str, int] = {}
    numbered = [(0, [ids.setdefault(item, len(ids)) for item in basket]) for basket in baskets]
    counters = ItemsetCounters(0.0, Decay(None), 3, 10**9)
    counters.count(Baskets.of(numbered))
    return merge([PartitionCounters(counters, list(ids), ids)], 0, min_support)


def rules_by_hand(baskets: Sequence[Sequence[str]], min_support: float, min_confidence: float) -> dict[Rule, float]:
    """Return all rules with up to three items and their confidences, by sets and loops."""
    sets = [set(basket) for basket in baskets]
    total = sum(map(bool, sets))
    items = sorted(set().union(*sets))
    found = {}
    for size in (2, 3):
        for itemset in combinations(items, size):
            both = sum(set(itemset) <= basket for basket in sets)
            if both == 0 or both < min_support * total - 1e-9:
                continue
            for part in range(1, size):
                for x in combinations(itemset, part):
                    # As mlxtend divides: a support by a support, and the rounding decides at the edge.
                    confidence = (both / total) / (sum(set(x) <= basket for basket in sets) / total)
                    if confidence >= min_confidence:
                        found[x, tuple(item for item in itemset if item not in x)] = confidence
    return found


def rules_by_pyfim(
    baskets: Sequence[Sequence[str]], least: int, min_confidence: float
) -> dict[Rule, tuple[float, float, float]]:
    """Return the rules with one consequent and up to three items: support, confidence and lift."""
    rules = arules(baskets, supp=-least, conf=100 * min_confidence, zmin=2, zmax=3, report="acl", mode="o")
    return {(tuple(sorted(x)), (y,)): (count, confidence, lift) for y, x, count, confidence, lift in rules}
