"""Totals and features equal a recount in plain Python, whatever the order and the batches of events."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.customers.records import NEVER, RECENT, Records
from crm_online.decay import LANDMARK_EVERY, Decay
from crm_online.events import models
from tests.customers.recount import CUSTOMERS, HALF_LIFE, LONGEST, added, cut, logs, read, recount
from tests.engine import shop

CUTS = st.lists(st.integers(0, 40), max_size=6)
half_lives = st.sampled_from((HALF_LIFE, None))


def same(some: Records, other: Records) -> None:
    """Compare all but the ids of recent events, which are of the order, and own items and memory, which are rounded."""
    assert np.allclose(some.memory, other.memory, rtol=1e-5)
    assert some.target_bands.tolist() == other.target_bands.tolist()
    apart = ("recent", "moves", "own", "memory", "target_bands")
    for name in (field.name for field in fields(some) if field.name not in apart):
        a, b = getattr(some, name), getattr(other, name)
        assert np.allclose(a, b, rtol=1e-9, atol=0), (name, a, b)


@settings(max_examples=40)
@given(log=logs(), cuts=CUTS, more=CUTS, seed=st.integers(0, 99), half_life=half_lives)
def test_any_order_and_any_batches_give_the_same_totals_and_features(
    log: list[models.Event], cuts: list[int], more: list[int], seed: int, half_life: int | None
) -> None:
    shuffled = list(log)
    Random(seed).shuffle(shuffled)
    some, other = added(cut(log, cuts), half_life), added(cut(shuffled, more), half_life)
    same(some, other)
    for name, values in read(some, LONGEST, half_life).items():
        assert np.allclose(values, read(other, LONGEST, half_life)[name], rtol=1e-9, atol=0), name


@settings(max_examples=40)
@given(log=logs(), cuts=CUTS, as_of=st.integers(0, 2 * LONGEST), half_life=half_lives)
def test_totals_and_features_equal_a_recount(
    log: list[models.Event], cuts: list[int], as_of: int, half_life: int | None
) -> None:
    records, expected = added(cut(log, cuts), half_life), recount(log)
    found = read(records, as_of, half_life)
    for row, name in enumerate(CUSTOMERS):
        if name not in expected:
            assert records.events[row] == 0
            assert records.first_event[row] == records.last_purchase[row] == NEVER
            continue
        plain = expected[name]
        assert records.events[row] == plain.events
        assert (records.first_event[row], records.last_event[row]) == (min(plain.times), max(plain.times))
        bought = (min(plain.purchases), max(plain.purchases)) if plain.purchases else (NEVER, NEVER)
        assert (records.first_purchase[row], records.last_purchase[row]) == bought
        assert (records.purchases[row], records.returns[row]) == (plain.orders, plain.returns)
        assert records.spend[row] == pytest.approx(plain.spend, rel=1e-12)
        assert records.items[row] == pytest.approx(plain.items, rel=1e-12)
        for feature, value in plain.features(as_of, half_life).items():
            assert found[feature][row] == pytest.approx(value, rel=1e-9, abs=0), feature


@settings(max_examples=40)
@given(log=logs(), repeated=st.lists(st.integers(0, 39), max_size=20), cuts=CUTS)
def test_a_repeated_event_among_the_last_sixteen_counts_once(
    log: list[models.Event], repeated: list[int], cuts: list[int]
) -> None:
    log = log[:RECENT]  # of three customers together, so no more than sixteen of each
    again = [log[place % len(log)] for place in repeated]
    same(added([*cut(log, cuts), *cut(again, cuts)]), added([log]))


def test_a_repeat_within_a_batch_is_dropped_however_far_apart() -> None:
    log: list[models.Event] = [shop.view("ann", place, name=f"v{place}") for place in range(50)]
    assert added([[*log, log[0], log[49]]]).events[0] == 50


def test_the_sixteenth_last_event_is_remembered_and_the_seventeenth_is_not() -> None:
    log: list[models.Event] = [shop.view("ann", place, name=f"v{place}") for place in range(40)]
    assert added([log, [log[40 - RECENT]]]).events[0] == 40
    assert added([log, [log[40 - RECENT - 1]]]).events[0] == 41
    assert added([*[[one] for one in log], [log[40 - RECENT]]]).events[0] == 40


def test_the_same_event_id_of_another_customer_is_another_event() -> None:
    events: list[models.Event] = [shop.view("ann", 1, name="x"), shop.view("bob", 2, name="x")]
    assert added([events]).events.tolist() == [1, 1, 0]


@given(
    half_life=st.integers(1, 10**11), old=st.integers(0, 40), steps=st.integers(0, 12), size=st.floats(1e-100, 1e100)
)
def test_a_landmark_moves_without_losing_a_digit(half_life: int, old: int, steps: int, size: float) -> None:
    decay, every = Decay(half_life), half_life * LANDMARK_EVERY
    landmarks = decay.landmark(np.array([old * every, (old + steps) * every + every - 1]))
    assert landmarks.tolist() == [old * every, (old + steps) * every]
    shift = float(decay.shift(landmarks[:1], landmarks[1:])[0])
    assert shift == 2.0 ** (-LANDMARK_EVERY * steps)
    there_and_back = size * shift * float(decay.shift(landmarks[1:], landmarks[:1])[0])
    assert there_and_back == size or size * shift < 2.3e-308


@pytest.mark.parametrize("in_turn", [True, False])
def test_an_event_that_comes_many_half_lives_late_lands_right(in_turn: bool) -> None:
    late = shop.order("ann", 5, ("tea", 1.0, 100.0), name="late")
    last = shop.order("ann", 200 * HALF_LIFE, ("tea", 1.0, 1.0), name="last")
    records = added([[late], [last]] if in_turn else [[last], [late]])
    found, much = read(records, 5), 2.0 ** (200 - 5 / HALF_LIFE)
    assert found["orders"][0] == pytest.approx(1 + much, rel=1e-9)
    assert found["basket_value"][0] == pytest.approx((100 + much) / (1 + much), rel=1e-9)
    assert read(added([[late]]), 200 * HALF_LIFE)["orders"][0] == pytest.approx(1 / much, rel=1e-9)
