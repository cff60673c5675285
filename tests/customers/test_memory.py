"""Orders and spend by several half-lives equal a recount, over landmarks, in any order and any batches."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.customers import memory
from crm_online.events import models
from tests.customers.plain import DAY
from tests.customers.recount import CUSTOMERS, added, cut, recount
from tests.engine import shop

LAST = 3000 * DAY
orders = st.tuples(st.sampled_from(CUSTOMERS), st.integers(0, LAST), st.integers(1, 1000))


@settings(max_examples=25)
@given(log=st.lists(orders, min_size=1, max_size=20), cuts=st.lists(st.integers(0, 20), max_size=4))
def test_every_half_life_has_the_orders_and_the_spend_of_a_recount(
    log: list[tuple[str, int, int]], cuts: list[int]
) -> None:
    events: list[models.Event] = [
        shop.order(name, time, ("a", 1, cents / 100), name=f"e{number}")
        for number, (name, time, cents) in enumerate(log)
    ]
    Random(len(log)).shuffle(events)
    found = memory.read(added(cut(events, cuts), None), np.full(len(CUSTOMERS), LAST))
    for row, name in enumerate(CUSTOMERS):
        plain = recount(events).get(name)
        for length, days in enumerate(memory.DAYS):
            expected = [plain.decayed(kind, LAST, days * DAY) if plain else 0.0 for kind in ("orders", "spend")]
            assert found[row, length].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_the_largest_amounts_are_kept_as_the_largest_number_and_not_as_infinite() -> None:
    largest = models.MAX_NUMBER
    records = added([[shop.order("ann", 639 * DAY, ("a", largest, largest), name="e")]])
    assert np.isfinite(records.memory).all()
