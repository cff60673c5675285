"""Bounds over several partitions, whose item ids and landmarks differ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import FrequentItemsets, PartitionCounters, merge
from crm_online.itemsets.pooled import PooledCounters
from tests.itemsets.brute import true_weights
from tests.itemsets.logs import DAY, HALF_LIFE, Log, logs


def parts_of(log: Log, partitions: int, counters: list[ItemsetCounters], size: int) -> list[PartitionCounters]:
    """Deal a log out; each partition numbers the items in the order in which it meets them."""
    parts = []
    for number in range(partitions):
        ids: dict[str, int] = {}
        own = log[number::partitions]
        numbered = [(time, [ids.setdefault(f"item {item}", len(ids)) for item in items]) for time, items in own]
        for begin in range(0, len(numbered), size):
            counters[number].count(Baskets.of(numbered[begin : begin + size]))
        parts.append(PartitionCounters(counters[number], list(ids), ids))
    return parts


@given(
    logs,
    st.sampled_from([1, 4]),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.sampled_from([None, HALF_LIFE, DAY]),
    st.integers(1, 3),
    st.sampled_from([2_000, 6_000, 10**7]),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_bounds_hold_and_nothing_is_missed_over_partitions(
    log: Log,
    partitions: int,
    size: int,
    epsilon: float,
    half_life: int | None,
    max_size: int,
    max_bytes: int,
    pooled: bool,
) -> None:
    counters = [ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes) for _ in range(partitions)]
    parts = parts_of(log, partitions, counters, size)
    as_of = max(time for time, _ in log) + 5 * DAY
    total, truth = true_weights(log, half_life, as_of)
    truth = {itemset: weight for itemset, weight in truth.items() if len(itemset) <= max_size}
    named = {tuple(sorted(f"item {item}" for item in itemset)): weight for itemset, weight in truth.items()}
    if pooled:
        parts = [PooledCounters(Decay(half_life), max_size).update(parts)]
    least = max(0.1, *(part.counters.achieved_epsilon for part in parts))
    found = merge(parts, as_of, least)
    assert found.baskets == pytest.approx(total, rel=1e-9)
    rounding = 1e-9 * max(total, 1.0)
    for itemset, count, error in zip(found.named(), found.sets.count, found.sets.error, strict=True):
        true = named.get(itemset, 0.0)
        assert count <= true + rounding, itemset
        assert true <= count + error + rounding, itemset
    there = set(found.named())
    assert not [s for s, weight in named.items() if weight >= least * total + rounding and s not in there]
    if epsilon == 0 and max_bytes == 10**7:
        assert not found.sets.error.any()


def figures(found: FrequentItemsets) -> dict[tuple[str, ...], tuple[float, float]]:
    return dict(zip(found.named(), zip(found.sets.count.tolist(), found.sets.error.tolist(), strict=True), strict=True))


@given(
    logs,
    st.integers(1, 30),
    st.sampled_from([None, HALF_LIFE]),
    st.integers(1, 3),
    st.sampled_from([2_000, 10**7]),
    st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=20, deadline=None)
def test_a_pool_that_was_kept_up_to_date_is_the_same_to_the_bit_as_one_made_anew(
    log: Log, size: int, half_life: int | None, max_size: int, max_bytes: int, withdrawn: float
) -> None:
    counters = [ItemsetCounters(0.0, Decay(half_life), max_size, max_bytes) for _ in range(3)]
    ids = [dict[str, int]() for _ in counters]
    leaving: list[Baskets | None] = [None] * len(counters)
    pool = PooledCounters(Decay(half_life), max_size)
    as_of = max(time for time, _ in log)
    kept = exact = merge([pool.update([])], as_of, 0.1)
    for number, begin in enumerate(range(0, len(log), size)):
        place = number % 3
        known, batch = ids[place], log[begin : begin + size]
        some = Baskets.of(
            [(time, [known.setdefault(f"item {item}", len(known)) for item in items]) for time, items in batch]
        )
        counters[place].count(some, leaving[place])
        leaving[place] = some.between(0, int(withdrawn * len(some)))
        # The items' names of a partition are one list that grows.
        parts = [PartitionCounters(one, list(names), names) for one, names in zip(counters, ids, strict=True)]
        kept = merge([pool.update(parts)], as_of, 0.1)
        twins = [PartitionCounters(ItemsetCounters.load(part.counters.dump()), part.names, part.ids) for part in parts]
        exact, anew = (
            merge(parts, as_of, 0.1),
            merge([PooledCounters(Decay(half_life), max_size).update(twins)], as_of, 0.1),
        )
        assert (kept.baskets, figures(kept)) == (anew.baskets, figures(anew))
    if max_bytes == 10**7:
        assert figures(kept) == {name: pytest.approx(figure, rel=1e-9) for name, figure in figures(exact).items()}


def test_a_partition_that_is_asked_itself_in_between_is_counted_anew() -> None:
    one = ItemsetCounters(0.0, Decay(None), 2, 10**6)
    parts, pool = [PartitionCounters(one, ["a", "b"], {"a": 0, "b": 1})], PooledCounters(Decay(None), 2)
    for number in range(1, 4):
        one.count(Baskets.of([(0, [0, 1])]))
        assert figures(merge([pool.update(parts)], 0, 0.1))["a", "b"] == (number, 0)
        assert one.frequent(0.1, 0).count.tolist() == [number] * 3


def test_no_partition_with_baskets_merges_to_nothing() -> None:
    empty = PartitionCounters(ItemsetCounters(0.01, Decay(HALF_LIFE), 3, 10**6), [], {})
    for parts in ([empty, empty], [PooledCounters(Decay(HALF_LIFE), 3).update([empty, empty])]):
        found = merge(parts, 0, 0.1)
        assert found.baskets == 0
        assert len(found.sets) == 0
