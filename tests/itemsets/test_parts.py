"""Bounds over several partitions, whose item ids and landmarks differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.decay import Decay
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import UNKNOWN, PartitionCounters, PartitionItemsets, merge
from crm_online.itemsets.summary import Summary
from tests.itemsets.brute import padded, true_weights
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
    st.sampled_from([None, 0.0, 0.1]),
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
    floor: float | None,
) -> None:
    counters = [ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes) for _ in range(partitions)]
    counted = parts_of(log, partitions, counters, size)
    parts: list[PartitionItemsets] = list(counted)
    if floor is not None:
        parts = [Summary.decode(Summary.of(part.counters, part.names, floor).encode()) for part in counted]
    as_of = max(time for time, _ in log) + 5 * DAY
    total, truth = true_weights(log, half_life, as_of)
    truth = {itemset: weight for itemset, weight in truth.items() if len(itemset) <= max_size}
    named = {tuple(sorted(f"item {item}" for item in itemset)): weight for itemset, weight in truth.items()}
    least = max(0.1, floor or 0.0, *(counter.achieved_epsilon for counter in counters))
    found = merge(parts, as_of, least)
    assert found.baskets == pytest.approx(total, rel=1e-9)
    rounding = 1e-9 * max(total, 1.0)
    for itemset, count, error in zip(found.named(), found.sets.count, found.sets.error, strict=True):
        true = named.get(itemset, 0.0)
        assert count <= true + rounding, itemset
        assert true <= count + error + rounding, itemset
    there = set(found.named())
    assert not [s for s, weight in named.items() if weight >= least * total + rounding and s not in there]
    if epsilon == 0 and max_bytes == 10**7 and not floor:
        assert not found.sets.error.any()


@given(
    logs,
    st.integers(1, 30),
    st.sampled_from([0.02, 0.1, 0.3]),
    st.sampled_from([None, HALF_LIFE]),
    st.integers(1, 3),
    st.sampled_from([2_000, 6_000, 10**7]),
    st.sampled_from([0.0, 0.05]),
)
@settings(max_examples=100, deadline=None)
def test_a_summary_bounds_every_itemset_also_those_it_does_not_tell(
    log: Log, size: int, epsilon: float, half_life: int | None, max_size: int, max_bytes: int, floor: float
) -> None:
    counters = ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes)
    (part,) = parts_of(log, 1, [counters], size)
    as_of = max(time for time, _ in log)
    total, truth = true_weights(log, half_life, as_of)
    summary = Summary.of(counters, part.names, floor)
    named = [sorted(summary.ids.get(f"item {item}", UNKNOWN) for item in itemset) for itemset in truth]
    found = summary.lookup(padded([tuple(ids) for ids in named]), as_of)
    true = np.array(list(truth.values()))
    rounding = 1e-9 * max(total, 1.0)
    assert (found.count <= true + rounding).all()
    assert (true <= found.count + found.error + rounding).all()


def test_an_itemset_left_out_of_one_summary_adds_what_it_may_be_there() -> None:
    one, other = (ItemsetCounters(0.0, Decay(None), 3, 10**6) for _ in range(2))
    one.count(Baskets.of([(0, [0, 1])] * 10))
    other.count(Baskets.of([(0, [0])] * 20 + [(0, [1])] * 3 + [(0, [0, 1])]))
    ids = {"a": 0, "b": 1}
    summaries = [Summary.of(one, ["a", "b"], 0.1), Summary.of(other, ["a", "b"], 0.1)]
    found = merge(summaries, 0, 0.1)
    bounds = {s: (c, e) for s, c, e in zip(found.named(), found.sets.count, found.sets.error, strict=True)}
    assert bounds["a", "b"] == (10, pytest.approx(2.4))
    exact = merge([PartitionCounters(one, ["a", "b"], ids), PartitionCounters(other, ["a", "b"], ids)], 0, 0.1)
    assert dict(zip(exact.named(), exact.sets.count.tolist(), strict=True))["a", "b"] == 11


def test_no_partition_with_baskets_merges_to_nothing() -> None:
    empty = ItemsetCounters(0.01, Decay(HALF_LIFE), 3, 10**6)
    found = merge([Summary.of(empty, [])], 0, 0.1)
    assert found.baskets == 0
    assert len(found.sets) == 0


def test_a_summary_refuses_bytes_it_does_not_know() -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 10**6)
    counters.count(Baskets.of([(0, [0, 1])]))
    raw = Summary.of(counters, ["é", "b"]).encode()
    again = Summary.decode(raw)
    assert again.names == ["é", "b"]
    np.testing.assert_array_equal(again.sets.items, [[0, -1, -1], [1, -1, -1], [0, 1, -1]])
    for wrong in (b"", b"crm", raw[:-1], raw + b"x", raw[:40] + b"?" + raw[41:], b"x" + raw[1:]):
        with pytest.raises(StateCorrupt):
            Summary.decode(wrong)
    with pytest.raises(StateTooNew):
        Summary.decode(raw[:4] + b"\x03\x00" + raw[6:])
