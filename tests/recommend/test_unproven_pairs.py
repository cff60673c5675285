"""Pairs of items that orders of nobody known have, and too few customers: they alone are not recommended for it."""

from __future__ import annotations

import numpy as np

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters
from crm_online.recommend.basis import Basis, SampledFrom

NAMES = [f"i{number}" for number in range(8)]
GOLD, TEA = 7, 0
"""What orders of nobody known have together."""


def basis(least: int) -> Basis:
    draw, orders = np.random.default_rng(1), list[tuple[str | None, list[int]]]()
    for number in range(400):
        first = int(draw.integers(7))
        orders.append((f"c{number % 50}", sorted({first, (first + 1) % 7, int(draw.integers(7))})))
    orders += [(None, sorted({TEA, int(draw.integers(1, 7)), GOLD})) for _ in range(40)]
    counters = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    counters.count(Baskets.of([(0, items) for _, items in orders]))
    part = PartitionCounters(counters, NAMES, {name: number for number, name in enumerate(NAMES)})
    sampled = [SampledFrom(customer, 0, items, 1.0, 0.0, {}) for customer, items in orders]
    return Basis.of([part], 0, sampled, {}, least)


def test_a_pair_that_nobody_known_has_adds_nothing_and_all_others_add_what_they_did() -> None:
    without, floor = basis(1), basis(3)
    assert without.learned == floor.learned, "what is learned is of orders as they were"
    rest = np.ones((len(NAMES), len(NAMES)), bool)
    rest[:, GOLD] = rest[GOLD, :] = False
    assert np.array_equal(without.ties[rest], floor.ties[rest])
    assert without.ties[TEA, GOLD] > 0.01
    assert floor.ties[:, GOLD].max() <= 0
    assert floor.ties[GOLD].max() <= 0
