"""Itemsets of real logs equal those of other software."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets import real
from tests.itemsets.real import Shop


def exact(counters: ItemsetCounters, min_support: float) -> dict[tuple[int, ...], int]:
    found = counters.frequent(min_support, 0)
    assert not found.error.any()
    return {tuple(i[i >= 0].tolist()): int(n) for i, n in zip(found.items, found.count, strict=True)}


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("groceries", "groceries_1pct"),
        ("groceries", "groceries_0.1pct"),
        pytest.param("complete_journey", "complete_journey_category_1pct", marks=pytest.mark.slow),
    ],
)
def test_epsilon_0_gives_the_itemsets_of_two_other_miners(shared_data: Path, log: str, name: str) -> None:
    shop = real.complete_journey() if log == "complete_journey" else real.groceries(shared_data)
    truth = real.truth(shared_data, name)
    found = exact(shop.count(0.0), truth["min_support"])
    assert len(shop.baskets) == truth["n_transactions"]
    assert found == shop.mined(truth["min_count"])
    lengths = Counter(map(len, found))
    assert {str(size): lengths[size] for size in (1, 2, 3)} == {s: truth["by_length"][s] for s in "123"}
    named = {tuple(sorted(shop.names[i] for i in itemset)): count for itemset, count in found.items()}
    for items, count in truth["top20_itemsets_by_support"]:
        if len(items) <= 3:
            assert named[tuple(sorted(items))] == count
    if set(truth["by_length"]) == set("123"):
        lines = sorted(f"{' '.join(items)}\t{count}" for items, count in named.items())
        assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == truth["itemsets_sha256"]


@pytest.mark.parametrize(
    ("name", "min_support", "size"),
    [
        pytest.param("online_retail_known_customers_1pct", 0.01, 300, marks=pytest.mark.slow),
        ("T10I4D100K_0.5pct", 0.005, 1000),
    ],
)
def test_the_default_epsilon_misses_nothing_and_bounds_hold(
    shared_data: Path, name: str, min_support: float, size: int
) -> None:
    shop: Shop = real.t10i4(shared_data) if name.startswith("T10") else real.online_retail(shared_data)
    truth = real.truth(shared_data, name)
    assert len(shop.baskets) == truth["n_transactions"]
    counters = shop.count(min_support / 10, size)
    found = counters.frequent(min_support, 0)
    bounds = {tuple(i[i >= 0].tolist()): b for i, *b in zip(found.items, found.count, found.error, strict=True)}
    mined = shop.mined(truth["min_count"])
    lengths = Counter(map(len, mined))
    assert {str(size): lengths[size] for size in (1, 2, 3)} == {s: truth["by_length"][s] for s in "123"}
    assert set(mined) <= set(bounds)
    for itemset, true in mined.items():
        count, error = bounds[itemset]
        assert count <= true <= count + error
    assert found.error.max() <= counters.achieved_epsilon * truth["n_transactions"]
    assert counters.achieved_epsilon <= min_support
