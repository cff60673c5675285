"""The rules of every log of baskets are mlxtend's, with all measures, and at the edge of the confidence.

CDNOW is not among the logs: it knows one item only.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlxtend.frequent_patterns import association_rules, fpgrowth
from numpy.typing import NDArray

from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.rules.derive import derive
from crm_online.rules.emitted import EmittedRules
from crm_online.rules.levels import Levels
from crm_online.rules.selection import select
from crm_online.rules.table import NO_ITEM, RuleTable
from tests.itemsets import real
from tests.itemsets.real import Shop

MEASURES = ("support", "confidence", "lift", "leverage", "conviction")


def mlxtends_table(shop: Shop, least: int) -> pd.DataFrame:
    """Return a row of booleans a basket, a column a frequent item: with all items some logs take gigabytes."""
    baskets = shop.baskets
    frequent = np.bincount(baskets.items, minlength=len(shop.names)) >= least
    items = np.flatnonzero(frequent)
    basket = np.repeat(np.arange(len(baskets)), np.diff(baskets.start))
    chosen = frequent[baskets.items]
    table = np.zeros((len(baskets), len(items)), bool)
    table[basket[chosen], np.searchsorted(items, baskets.items[chosen])] = True
    return pd.DataFrame(table, columns=pd.Index(items.tolist()))


def rules_by_mlxtend(
    table: pd.DataFrame, min_support: float, min_confidence: float, max_size: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return mlxtend's frequent itemsets and its rules, by item number."""
    sets = fpgrowth(table, min_support, use_colnames=True, max_len=max_size)
    with np.errstate(all="ignore"):  # it divides by 0 in measures that are not looked at
        return sets, association_rules(sets, min_threshold=min_confidence)


def support_of(shop: Shop, least: int) -> float:
    return (least - 0.5) / len(shop.baskets)


def in_order(
    antecedent: NDArray[np.int64], consequent: NDArray[np.int64], measures: dict[str, NDArray[np.float64]]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Return rules, and their measures, in the order of their items."""
    sides = np.concatenate([np.sort(antecedent, axis=1), np.sort(consequent, axis=1)], axis=1)
    order = np.lexsort(sides.T)
    return sides[order], {name: values[order] for name, values in measures.items()}


def of_ours(table: RuleTable, shop: Shop) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    numbers = {name: number for number, name in enumerate(shop.names)}
    number_of = np.array([*(numbers[name] for name in table.names), NO_ITEM])
    measures = {name: getattr(table.measures, name) for name in MEASURES}
    return in_order(number_of[table.antecedent], number_of[table.consequent], measures)


def of_mlxtends(rules: pd.DataFrame, width: int) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    def padded(side: pd.Series) -> NDArray[np.int64]:
        return np.array([[*items, *[NO_ITEM] * (width - len(items))] for items in side], np.int64).reshape(-1, width)

    measures = {name: rules[name].to_numpy() for name in MEASURES}
    return in_order(padded(rules["antecedents"]), padded(rules["consequents"]), measures)


# Supports that mlxtend finds the itemsets of in a few seconds.
@pytest.mark.parametrize(
    ("log", "least", "min_confidence", "max_size"),
    [
        pytest.param(real.t10i4, 800, 0.3, 6, id="T10I4D100K"),
        pytest.param(real.bms1, 90, 0.3, 6, id="BMS-1"),
        pytest.param(real.fimi_retail, 300, 0.3, 6, id="FIMI retail"),
        pytest.param(real.groceries, 10, 0.3, 6, id="groceries"),
        pytest.param(real.groceries_members, 8, 0.1, 6, id="groceries by member"),
        pytest.param(real.online_retail, 220, 0.5, 6, id="Online Retail"),
        pytest.param(lambda _: real.complete_journey(), 6000, 0.3, 6, id="Complete Journey", marks=pytest.mark.slow),
    ],
)
def test_the_rules_of_a_log_are_mlxtends_with_all_measures_and_at_the_edge_of_the_confidence(
    shared_data: Path, log: Callable[[Path], Shop], least: int, min_confidence: float, max_size: int
) -> None:
    shop = log(shared_data)
    sets, every = rules_by_mlxtend(mlxtends_table(shop, least), support_of(shop, least), min_confidence, max_size)
    numbers = {name: number for number, name in enumerate(shop.names)}
    counted = PartitionCounters(shop.count(0.0, max_size=max_size), shop.names, numbers)
    found = merge([counted], 0, support_of(shop, least))
    assert len(found.sets) == len(sets)
    confidences = np.sort(every["confidence"].to_numpy())
    assert len(confidences) > 50
    edges = confidences[[len(confidences) // 3, -len(confidences) // 10]]
    for level in (min_confidence, *edges, *np.nextafter(edges, 1)):
        levels = Levels(support_of(shop, least), float(level), drop_redundant=False)
        ours, measures = of_ours(select(found, levels, EmittedRules()).table, shop)
        theirs, expected = of_mlxtends(every[every["confidence"] >= level], max_size - 1)
        np.testing.assert_array_equal(ours, theirs)
        for name in MEASURES:
            np.testing.assert_allclose(measures[name], expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


# What mlxtend takes with its table, as `python -m benchmarks counting` measures it: resident, which differs by the run.
@pytest.mark.parametrize(("log", "least", "theirs"), [(real.groceries, 10, 10e6), (real.groceries_members, 15, 2.6e6)])
def test_rules_of_a_small_log_take_no_more_memory_than_mlxtends(
    shared_data: Path, log: Callable[[Path], Shop], least: int, theirs: float
) -> None:
    shop = log(shared_data)
    numbers = {name: number for number, name in enumerate(shop.names)}
    tracemalloc.start()
    part = PartitionCounters(shop.count(0.0, max_size=6), shop.names, numbers)
    derive(merge([part], 0, support_of(shop, least)), support_of(shop, least), 0.3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= theirs
