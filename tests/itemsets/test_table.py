"""The key table finds what was put in and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.itemsets.combinations import pairs_within
from crm_online.itemsets.table import ABSENT, KeyTable

keys = st.lists(st.one_of(st.integers(0, 40), st.integers(0, 2**63 - 1)), max_size=60)


@given(st.lists(st.tuples(keys, st.integers(2, 5)), max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_table_does_as_a_dictionary(rounds: list[tuple[list[int], int]]) -> None:
    table, expected = KeyTable(1), dict[int, float]()
    for batch, drop in rounds:
        asked = np.array(batch, np.int64)
        rows, begin, examples = table.find_or_add(asked)
        assert asked[examples].tolist() == table.keys[begin:].tolist()
        np.add.at(table.values[0], rows, 1.0)
        for key in batch:
            expected[key] = expected.get(key, 0.0) + 1
        assert dict(zip(table.keys.tolist(), table.values[0].tolist(), strict=True)) == expected
        assert len(table) == len(expected)
        chosen = table.keys % drop != 0
        before = table.keys.copy()
        moved = table.keep(chosen)
        assert [key for key, row in zip(before, moved, strict=True) if row != ABSENT] == table.keys.tolist()
        expected = {key: count for key, count in expected.items() if key % drop}
        assert (table.find(np.array([-5, *expected], np.int64)) == [ABSENT, *range(len(expected))]).all() or set(
            table.find(np.array(list(expected), np.int64)).tolist()
        ) == set(range(len(expected)))


def test_a_large_table_keeps_every_key() -> None:
    rng = np.random.default_rng(3)
    table = KeyTable(1)
    wanted = rng.integers(0, 2**62, 200_000)
    for part in np.split(wanted, 20):
        table.find_or_add(np.repeat(part, 2))
    assert len(table) == len(np.unique(wanted))
    np.testing.assert_array_equal(table.keys[table.find(wanted)], wanted)
    assert (table.find(rng.integers(2**62, 2**63 - 1, 1000)) == ABSENT).all()


@given(st.lists(st.integers(0, 6), max_size=12))
def test_pairs_within_are_those_of_two_loops(lengths: list[int]) -> None:
    expected, begin = [], 0
    for length in lengths:
        expected += [(begin + i, begin + j) for i in range(length) for j in range(i + 1, length)]
        begin += length
    pairs = pairs_within(np.array(lengths, np.int64))
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == expected
    assert pairs.number(pairs.first, pairs.second).tolist() == list(range(len(expected)))
