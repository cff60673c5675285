"""How far habits and ties are trusted is learned: where there are none, hardly, where there are, much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crm_online.recommend.examples import Example, ItemFigures
from crm_online.recommend.learning import FEWEST, Learned, learn
from crm_online.recommend.regression import coefficients, inverse, together

ITEMS, CUSTOMERS, ORDERS = 40, 60, 12


def shop(habit: float, tie: float, seed: int = 1) -> tuple[list[tuple[int, list[int]]], NDArray[np.float64]]:
    """Return orders of customers, each of whom may like some items, and items of which some may come in twos."""
    draw = np.random.default_rng(seed)
    popular = 1 / np.arange(2, ITEMS + 2)
    popular /= popular.sum()
    liked = draw.integers(0, ITEMS, (CUSTOMERS, 4))
    orders = []
    for _ in range(ORDERS):
        for customer in range(CUSTOMERS):
            items = set(draw.choice(ITEMS, 4, replace=False, p=popular).tolist())
            items |= {int(item) for item in liked[customer] if draw.random() < habit}
            items |= {(item + ITEMS // 2) % ITEMS for item in sorted(items) if draw.random() < tie}
            orders.append((customer, sorted(items)))
    has = np.zeros((len(orders), ITEMS))
    for row, (_, items_) in enumerate(orders):
        has[row, items_] = 1.0
    return orders, has


def learned(habit: float, tie: float) -> Learned:
    orders, has = shop(habit, tie)
    own: dict[int, dict[int, float]] = {customer: {} for customer in range(CUSTOMERS)}
    before = dict.fromkeys(range(CUSTOMERS), 0.0)
    examples = []
    for customer, items in orders:
        examples.append(Example(str(customer), np.array(items), 1.0, before[customer], dict(own[customer])))
        before[customer] += 1.0
        for item in items:
            own[customer][item] = own[customer].get(item, 0.0) + 1.0
    return learn(figures(has), np.arange(ITEMS), has.T @ has, examples)


def figures(has: NDArray[np.float64]) -> ItemFigures:
    count, size = has.sum(axis=0), has.sum(axis=1)
    share = (has / size[:, np.newaxis]).sum(axis=0) / np.maximum(count, 1.0)
    return ItemFigures(count, float(len(has)), count, share / (len(has) / size.sum()))


def test_habits_are_trusted_where_there_are_some_and_not_where_there_are_none() -> None:
    some, none = learned(habit=0.6, tie=0.0), learned(habit=0.0, tie=0.0)
    assert some.hidden > FEWEST
    assert some.alone.prior <= 10
    assert some.basket.prior <= 10
    assert none.alone.prior >= 100
    assert none.basket.prior >= 1000


def test_ties_are_trusted_where_there_are_some_and_not_where_there_are_none() -> None:
    some, none = learned(habit=0.0, tie=0.6), learned(habit=0.0, tie=0.0)
    assert some.basket.ridge * 10 <= none.basket.ridge


def test_from_a_handful_of_orders_nothing_is_learned() -> None:
    examples = [Example(None, np.array([0, 1]), 1.0, 1.0, {0: 1.0, 1: 1.0})] * (FEWEST // 2 - 1)
    known = ItemFigures(np.full(3, 40.0), 50.0, np.full(3, 40.0), np.ones(3))
    assert learn(known, np.arange(3), np.full((3, 3), 40.0), examples) == Learned()
    assert learn(known, np.arange(3), np.full((3, 3), 40.0), []) == Learned()


def test_the_next_basket_is_guessed_by_how_much_of_a_basket_an_item_is_where_sizes_differ() -> None:
    """Bread comes alone, and often; the rest come by the dozen. Half of all customers buy bread next."""
    rows = [[0] if number % 2 else list(range(1, 13)) for number in range(400)]
    has = np.zeros((len(rows), 13))
    for row, items in enumerate(rows):
        has[row, items] = 1.0
    examples = [Example(None, np.array(items), 1.0, 0.0, {}) for items in rows]
    found = learn(figures(has), np.arange(13), has.T @ has, examples)
    assert found.first.share > 0.3


@given(st.integers(0, 99), st.sampled_from([1.0, 30.0, 1000.0]))
@settings(max_examples=5, deadline=None)
def test_an_order_is_removed_from_the_regression_as_if_it_had_never_been(seed: int, ridge: float) -> None:
    _, has = shop(0.3, 0.3, seed)
    matrix, order = has.T @ has, has[7]
    seen = inverse(matrix, ridge) @ order
    without = inverse(matrix, ridge) + np.outer(seen, seen) / (1 - order @ seen)
    assert coefficients(without) == pytest.approx(
        coefficients(inverse(matrix - np.outer(order, order), ridge)), abs=1e-9
    )


def test_counts_that_do_not_fit_together_have_an_inverse_nevertheless() -> None:
    pairs = np.array([0]), np.array([1]), np.array([9.0])
    matrix = together(np.arange(2), np.array([2.0, 2.0]), *pairs)
    assert matrix.tolist() == [[2.0, 9.0], [9.0, 2.0]]
    assert np.isfinite(coefficients(inverse(matrix, 1.0))).all()
