"""Rules need evidence: enough baskets, few enough rules; and at the edge of the confidence they are mlxtend's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlxtend.frequent_patterns import association_rules, fpgrowth
from scipy.sparse import csr_matrix

from crm_online.baskets.sampled import SampledOrder
from crm_online.engine.rules import levels_of
from crm_online.itemsets.parts import FrequentItemsets
from crm_online.rules import derive
from crm_online.rules.changes import diff, in_force
from crm_online.rules.customers import Buyers
from crm_online.rules.emitted import EmittedRules, RuleChangeKind
from crm_online.rules.levels import Levels
from crm_online.settings import Settings
from tests.itemsets import real
from tests.rules.shops import Rule, found_in

DEFAULTS = levels_of(Settings())


def by_mlxtend(baskets: Sequence[Sequence[str]], min_support: float, min_confidence: float) -> dict[Rule, float]:
    """Return mlxtend's rules of up to three items, with their confidences."""
    names = sorted({item for basket in baskets for item in basket})
    ids = {name: number for number, name in enumerate(names)}
    column = [ids[item] for basket in baskets for item in basket]
    start = np.cumsum([0, *map(len, baskets)])
    table = csr_matrix((np.ones(len(column), bool), column, start), (len(baskets), len(names)))
    frame = pd.DataFrame(table.toarray(), columns=pd.Index(names))
    sets = fpgrowth(frame, min_support, use_colnames=True, max_len=3)
    if not len(sets):
        return {}
    with np.errstate(all="ignore"):  # it divides by 0 in measures that are not looked at
        rules = association_rules(sets, min_threshold=min_confidence)
    sides = zip(rules["antecedents"], rules["consequents"], rules["confidence"], strict=True)
    return {(tuple(sorted(x)), tuple(sorted(y))): confidence for x, y, confidence in sides}


def ours(baskets: Sequence[Sequence[str]], min_support: float, min_confidence: float) -> dict[Rule, float]:
    levels = Levels(min_support, min_confidence, drop_redundant=False)
    rules = in_force(found_in(baskets, min_support), levels)
    return {(rule.antecedent, rule.consequent): rule.confidence for rule in rules}


def groceries(shared_data: Path) -> list[list[str]]:
    shop = real.groceries(shared_data)
    return [[shop.names[i] for i in shop.baskets.items[a:b]] for a, b in pairwise(shop.baskets.start.tolist())]


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.1, 0.3, 0.6, 0.7, 0.9]))
@settings(max_examples=60, deadline=None)
def test_at_the_edge_of_the_confidence_the_rounding_is_mlxtends(
    both: int, only_a: int, neither: int, level: float
) -> None:
    # So many baskets with a that the confidence of a ⇒ b is at the level, as near as whole numbers get.
    only_a = max(round(both / level) - both, 0) if only_a % 2 else only_a
    baskets = [["a", "b"]] * both + [["a"]] * only_a + [["z"]] * neither
    assert ours(baskets, 1e-6, level).keys() == by_mlxtend(baskets, 1e-6, level).keys()


def random_orders(orders: int, items: int, of: int) -> list[list[str]]:
    draw = np.random.default_rng(5)
    return [[f"i{item:04}" for item in draw.choice(of, items, replace=False)] for _ in range(orders)]


def test_twenty_orders_of_forty_random_items_make_no_rule() -> None:
    baskets = random_orders(20, 40, 1000)
    assert in_force(found_in(baskets, DEFAULTS.enter_support(20)), DEFAULTS) == []


def test_the_first_hundred_rows_of_a_log_make_no_rule_of_fewer_baskets_than_asked_for(shared_data: Path) -> None:
    for begin in (0, 2000, 5000):
        baskets = groceries(shared_data)[begin : begin + 100]
        rules = in_force(found_in(baskets, 0.01), DEFAULTS)
        assert all(rule.count >= 10 for rule in rules)
        assert len(in_force(found_in(baskets, 0.01), Levels(0.01, 0.3))) > 100 * (1 + len(rules))


def equal_baskets(baskets: int, items: int) -> FrequentItemsets:
    return found_in([[f"i{item:03}" for item in range(items)]] * baskets, 0.5)


def test_of_equal_baskets_only_the_best_rules_are_kept_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    found = equal_baskets(20, 32)  # 4,960 triples with six rules each, 496 pairs with two
    monkeypatch.setattr(derive, "BLOCK", 1 << 10)
    levels = Levels(0.01, 0.3, drop_redundant=False, min_count=10, most=500)
    tracemalloc.start()
    rules = in_force(found, levels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rules) == 500
    assert [rule.rank for rule in rules] == list(range(1, 501))
    assert peak < 4e6
    every = in_force(found, Levels(0.01, 0.3, drop_redundant=False))
    assert len(every) == 2 * 496 + 6 * 4960
    assert [rule.id for rule in rules] == [rule.id for rule in every[:500]]


def test_what_is_looked_at_is_bounded_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derive, "MOST_CANDIDATES", 600)
    found = equal_baskets(20, 32)
    assert sum(map(len, derive.in_blocks(found, 0.01, 0.3))) == 2 * 600


@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5), min_size=1, max_size=30),
    st.integers(1, 6),
    st.integers(1, 20),
)
@settings(max_examples=60, deadline=None)
def test_the_rules_in_force_are_the_first_by_rank_of_those_with_evidence(
    baskets: list[list[str]], min_count: int, most: int
) -> None:
    every = in_force(found_in(baskets, 0.1), Levels(0.1, 0.4))
    found = found_in(baskets, Levels(0.1, 0.4, min_count=min_count).enter_support(len(baskets)))
    rules = in_force(found, Levels(0.1, 0.4, min_count=min_count, most=most))
    expected = [rule for rule in every if rule.count >= min_count][:most]
    assert [rule.id for rule in rules] == [rule.id for rule in expected]


@given(
    st.lists(
        st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=5), min_size=1, max_size=15),
        min_size=2,
        max_size=6,
    ),
    st.integers(1, 6),
)
@settings(max_examples=60, deadline=None)
def test_the_feed_never_holds_more_rules_than_allowed(logs: list[list[list[str]]], most: int) -> None:
    levels = Levels(0.1, 0.4, min_count=2, most=most)
    emitted = EmittedRules()
    baskets: list[list[str]] = []
    for log in logs:
        baskets += log
        changes = diff(found_in(baskets, levels.leave_support(len(baskets))), emitted, levels)
        for change in changes:
            assert (change.id in emitted) == (change.change is not RuleChangeKind.ENTERED)
        emitted.update(changes)
        assert len(emitted) <= most
        assert all(change.count >= 1 for change in emitted.values())


def test_a_rule_leaves_only_when_it_is_a_tenth_behind_the_best() -> None:
    baskets = [basket for n in range(30) for basket in [[f"x{n}", f"y{n}"]] * 40 + [[f"x{n}"]] * n]
    found = found_in(baskets, 0.01)
    every = in_force(found, Levels(0.01, 0.5))
    near, far = every[19], every[20]
    levels = Levels(0.01, 0.5, most=18)  # and so 20 for those that are in
    changes = diff(found, EmittedRules([near, far]), levels)
    assert [change.id for change in changes if change.change is RuleChangeKind.LEFT] == [far.id]
    assert [change.id for change in changes if change.change is RuleChangeKind.ENTERED] == [
        rule.id for rule in every[:17]
    ]


def test_a_rule_needs_different_customers_as_far_as_the_orders_kept_can_say() -> None:
    pairs = {"one": ("a", "b"), "two": ("c", "d"), "three": ("e", "f"), "anybody": ("g", "h"), "unseen": ("i", "j")}
    baskets = [list(pair) for pair in pairs.values() for _ in range(12)]
    names = "abcdefghijz"
    orders: list[SampledOrder] = []

    def order(customer: str | None, items: str) -> SampledOrder:
        return SampledOrder(customer, 0, len(orders), [names.index(item) for item in items])

    for number in range(12):
        orders += [order("one", "ab"), order(f"two {number % 2}", "cdz"), order(f"three {number % 3}", "ef")]
        orders.append(order(None, "gh"))
    orders += [order("unseen", "ij")] * 2  # fewer orders than customers are asked for: they say nothing
    buyers = Buyers.of([(orders[::2], names), (orders[1::2], names)])
    levels = Levels(0.01, 0.5, min_count=10, min_customers=3)
    rules = in_force(found_in(baskets, 0.01), levels, buyers)
    assert {rule.antecedent[0] for rule in rules} == set("efij"), (
        "orders of nobody known prove nobody where most are known"
    )
    assert len(in_force(found_in(baskets, 0.01), Levels(0.01, 0.5, min_count=10), buyers)) == 10
    emitted = EmittedRules(in_force(found_in(baskets, 0.01), Levels(0.01, 0.5)))
    left = [rule.antecedent[0] for rule in diff(found_in(baskets, 0.01), emitted, levels, buyers)]
    assert sorted(left) == list("abcdgh")


@given(
    st.lists(
        st.tuples(st.sampled_from(["ann", "ben", "cat", None]), st.sets(st.integers(0, 4), min_size=1)), max_size=90
    ),
    st.integers(1, 5),
    st.integers(1, 100),
)
@settings(max_examples=60, deadline=None)
def test_customers_behind_rules_are_counted_as_by_sets(
    bought: list[tuple[str | None, set[int]]], least: int, cut: int
) -> None:
    names = "abcdef"
    table = derive.derive(found_in([names] * 2, 0.5), 0.5, 0.5)
    orders = [SampledOrder(customer, 0, 0, sorted(items)) for customer, items in bought]
    few = Buyers.of([(orders[:cut], names), (orders[cut:], names)]).have_too_few(table, least)
    for row in range(len(table)):
        x, y = table.sides(row)
        having = [number for number, order in enumerate(orders) if {*x, *y} <= {names[item] for item in order.items}]
        known = 2 * sum(order.customer is not None for order in orders) >= len(orders)
        customers = {orders[number].customer or (-1 if known else number) for number in having}
        assert few[row] == (len(having) >= least > len(customers))
