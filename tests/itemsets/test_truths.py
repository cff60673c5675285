"""Itemsets of real logs equal those of other software."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crm_online.decay import Decay
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


LOGS: dict[str, Callable[[Path], Shop]] = {
    "T10I4D100K": real.t10i4,
    "BMS-1": real.bms1,
    "FIMI retail": real.fimi_retail,
    "groceries": real.groceries,
    "groceries by member": real.groceries_members,
    "Online Retail": real.online_retail,
    "Online Retail, all": partial(real.online_retail, known=False),
}


@pytest.mark.parametrize(
    ("name", "min_support"),
    [
        ("T10I4D100K", 0.002),
        ("BMS-1", 0.001),
        ("FIMI retail", 0.001),
        ("groceries", 0.001),
        ("groceries by member", 0.001),
        pytest.param("Online Retail", 0.005, marks=pytest.mark.slow),
        pytest.param("Online Retail, all", 0.01, marks=pytest.mark.slow),
    ],
)
def test_all_counts_of_a_log_and_of_its_copies_are_those_of_pyfim_whatever_epsilon_is_asked_for(
    shared_data: Path, name: str, min_support: float
) -> None:
    shop = LOGS[name](shared_data)
    third = len(shop.baskets) // 3
    copies = [(shop, 1000), (shop.shuffled(seed=1), 313), (shop.cut(third, 2 * third), 100), (shop.cut(0, 500), 7)]
    for copy, size in copies:
        support = min_support if len(copy.baskets) > 500 else 0.02
        least = int(np.ceil(support * len(copy.baskets) - 1e-9))
        counters = copy.count(support / 10, size, max_size=6)
        assert exact(counters, support) == copy.mined(least, 6)
        assert counters.achieved_epsilon == 0


def test_mined_every_thousand_baskets_the_counts_are_those_of_pyfim_each_time(shared_data: Path) -> None:
    shop = real.bms1(shared_data).shuffled(seed=2)
    counters = ItemsetCounters(0.0, Decay(None), 4, 256_000_000)
    for number, batch in enumerate(shop.batches(1000), start=1):
        counters.count(batch)
        found = exact(counters, 0.002)
        if number % 12 == 0:
            seen = shop.cut(0, 1000 * number)
            assert found == seen.mined(int(np.ceil(0.002 * len(seen.baskets) - 1e-9)), 4)
