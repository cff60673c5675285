"""What customers bought before is remembered of each, decayed, in few bytes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.customers.own import MOST_ITEMS, Bought, OwnItems, add, read
from crm_online.errors import StateCorrupt

HALF_LIFE = 1000
ORDERS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 20 * HALF_LIFE), st.sets(st.integers(0, 9), max_size=6)), max_size=30
)


def bought(orders: list[tuple[int, int, set[int]]]) -> Bought:
    lines = [(customer, item, time) for customer, time, items in orders for item in sorted(items)]
    customer, time = [order[0] for order in orders], [order[1] for order in orders]
    columns = np.array(lines, np.int64).reshape(-1, 3).T
    return Bought(np.array(customer, np.int64), np.array(time, np.int64), *columns)


@given(ORDERS, st.integers(1, 5), st.sampled_from([HALF_LIFE, None]))
@settings(deadline=None)
def test_decayed_numbers_of_orders_are_those_of_a_recount(
    orders: list[tuple[int, int, set[int]]], step: int, half_life: int | None
) -> None:
    raw = [b""] * 4
    for begin in range(0, len(orders), step):
        raw = add(raw, bought(orders[begin : begin + step]), half_life)
    as_of = 20 * HALF_LIFE
    expected: list[dict[int, float]] = [defaultdict(float) for _ in range(4)]
    total = [0.0] * 4
    for customer, time, items in orders:
        weight = 2.0 ** ((time - as_of) / half_life) if half_life else 1.0
        total[customer] += weight
        for item in items:
            expected[customer][item] += weight
    for customer, one in enumerate(raw):
        number, found = read(one, as_of, half_life)
        # Each sum is rounded to 1/64 octave, 0.54 % at most, of what it was so far.
        assert number == pytest.approx(total[customer], rel=0.03)
        assert found == pytest.approx(dict(expected[customer]), rel=0.05)
        assert (len(one) == 0) == (total[customer] == 0)


def test_who_buys_ever_new_things_keeps_a_bound_of_bytes_and_what_is_bought_again() -> None:
    raw = [b""]
    for order in range(300):
        raw = add(raw, bought([(0, order, {7, *range(100 + 3 * order, 103 + 3 * order)})]), 100)
        assert len(raw[0]) <= 4 + 5 * MOST_ITEMS
    _, items = read(raw[0], 300, 100)
    assert max(items, key=lambda item: items[item]) == 7
    assert {100 + 3 * 299, 101 + 3 * 299, 102 + 3 * 299} <= items.keys()
    assert 40 <= len(items) <= MOST_ITEMS


@given(st.binary(max_size=60))
def test_bytes_that_are_none_are_refused_or_read(raw: bytes) -> None:
    try:
        own, has = OwnItems.decode([raw])
    except StateCorrupt:
        return
    assert bool(has[0]) == bool(raw)
    assert len(own.item) == max(len(raw) - 4, 0) // 5
