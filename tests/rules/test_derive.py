"""All rules, with the measures that other software gives them."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.lookup.frames import RULE_COLUMNS
from crm_online.rules.changes import in_force
from crm_online.rules.derive import derive
from crm_online.rules.levels import Levels
from crm_online.rules.measures import MEASURES
from crm_online.rules.rank import order, sure_confidence, usefulness
from crm_online.rules.redundant import TOLERANCE
from crm_online.rules.table import RuleTable
from tests.itemsets import real
from tests.rules.shops import Rule, found_in, rules_by_hand, rules_by_pyfim

baskets_of_letters = st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=40)


def by_sides(table: RuleTable) -> dict[Rule, int]:
    return {table.sides(row): row for row in range(len(table))}


@given(baskets_of_letters, st.sampled_from([0.05, 0.1, 0.3]), st.sampled_from([0.0, 0.3, 0.8, 1.0]))
@settings(max_examples=80, deadline=None)
def test_the_rules_are_those_of_sets_and_loops(
    baskets: list[list[str]], min_support: float, min_confidence: float
) -> None:
    table = derive(found_in(baskets, min_support), min_support, min_confidence)
    rules = by_sides(table)
    assert len(rules) == len(table)
    confidences = {sides: float(table.measures.confidence[row]) for sides, row in rules.items()}
    assert confidences == pytest.approx(rules_by_hand(baskets, min_support, min_confidence))


@given(baskets_of_letters)
@settings(max_examples=60, deadline=None)
def test_measures_are_their_definitions(baskets: list[list[str]]) -> None:
    table = derive(found_in(baskets, 0.01), 0.01, 0.0)
    sets = [set(basket) for basket in baskets if basket]
    for (x, y), row in by_sides(table).items():
        has = np.array([[set(x) <= basket, set(y) <= basket] for basket in sets])
        p_x, p_y = has.mean(axis=0)
        p = has.all(axis=1).mean()
        confidence = p / p_x
        information = 0.0
        for cell in ((False, False), (False, True), (True, False), (True, True)):
            share = (has == cell).all(axis=1).mean()
            if share > 0:
                margins = [q if side else 1 - q for q, side in zip((p_x, p_y), cell, strict=True)]
                information += share * np.log2(share / np.prod(margins))
        conviction = (1 - p_y) / (1 - confidence) if confidence < 1 else np.inf
        gain = confidence * np.log2(confidence)
        expected = [p, confidence, p / p_x / p_y, gain, information, p - p_x * p_y, conviction]
        measures = table.measures
        found = [getattr(measures, name)[row] for name in MEASURES]
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "min_confidence"), [("groceries_1pct", 0.25), ("groceries_0.1pct", 0.5)])
def test_rules_of_groceries_equal_pyfims(shared_data: Path, name: str, min_confidence: float) -> None:
    truth = real.truth(shared_data, name)
    shop = real.groceries(shared_data)
    start = shop.baskets.start.tolist()
    baskets = [[shop.names[i] for i in shop.baskets.items[a:b]] for a, b in pairwise(start)]
    table = derive(found_in(baskets, truth["min_support"]), truth["min_support"], min_confidence)
    expected = rules_by_pyfim(baskets, truth["min_count"], min_confidence)
    rules = {sides: row for sides, row in by_sides(table).items() if len(sides[1]) == 1}
    assert rules.keys() == expected.keys()
    for sides, row in rules.items():
        found = (table.count[row], table.measures.confidence[row], table.measures.lift[row])
        assert found == pytest.approx(expected[sides], rel=1e-9)


def test_the_top_rules_of_groceries_are_those_of_the_truth(shared_data: Path) -> None:
    truth = real.truth(shared_data, "groceries_1pct")
    shop = real.groceries(shared_data)
    start = shop.baskets.start.tolist()
    baskets = [[shop.names[i] for i in shop.baskets.items[a:b]] for a, b in pairwise(start)]
    table = derive(found_in(baskets, 0.01), 0.01, truth["min_confidence"])
    assert len(table) == truth["n_rules_any_consequent"]
    rank = np.argsort(order(table))
    by_lift = np.lexsort((rank, -table.measures.lift))[:10].tolist()
    for row, rule in zip(by_lift, truth["top10_rules_by_lift"], strict=True):
        assert table.sides(row) == (tuple(sorted(rule["antecedent"])), tuple(sorted(rule["consequent"])))
        assert table.count[row] == pytest.approx(rule["count"], rel=1e-6)
        for name in ("support", "confidence", "lift", "leverage", "conviction"):
            assert getattr(table.measures, name)[row] == pytest.approx(rule[name], rel=1e-6)


def test_an_id_is_canonical_json() -> None:
    table = derive(found_in([['b"', "é", "a"]] * 2, 0.5), 0.5, 0.5)
    assert '[["b\\"","é"],["a"]]' in table.ids
    assert len(set(table.ids)) == len(table) == 12


def test_rank_1_is_what_will_often_be_right_not_the_highest_lift_nor_what_was_seen_twice() -> None:
    baskets = [["a", "b"]] * 100 + [["c", "d"]] * 2 + [["d"]] * 48 + [["e"]] * 10_000
    table = derive(found_in(baskets, 1e-4), 1e-4, 0.5)
    lift = {sides: float(table.measures.lift[row]) for sides, row in by_sides(table).items()}
    assert lift[("c",), ("d",)] > 1.9 * lift[("a",), ("b",)]
    assert [table.sides(row) for row in order(table).tolist()] == [
        (("a",), ("b",)),
        (("b",), ("a",)),
        (("c",), ("d",)),
    ]
    assert (sure_confidence(table) < table.measures.confidence).all()


def test_of_two_rules_as_sure_the_one_of_the_popular_item_comes_first_but_none_that_chance_makes() -> None:
    rare = [["a", "b"]] * 40 + [["a"]] * 10 + [["b"]] * 10
    popular = [["c", "d"]] * 40 + [["c"]] * 10 + [["d"]] * 300
    chance = [["x", "z"]] * 80 + [["x"]] * 20 + [["z"]] * 1400 + [["e"]] * 90
    table = derive(found_in(rare + popular + chance, 0.01), 0.01, 0.5)
    rank = {table.sides(row): place for place, row in enumerate(order(table).tolist())}
    assert rank[("c",), ("d",)] < rank[("a",), ("b",)] < rank[("x",), ("z",)]
    useful = {table.sides(row): score for row, score in enumerate(usefulness(table).tolist())}
    assert useful[("x",), ("z",)] > useful[("c",), ("d",)]


def test_a_rule_is_redundant_when_a_simpler_one_does_as_well() -> None:
    baskets = [["a", "b", "y"]] * 8 + [["a", "b"]] * 2 + [["a", "y"]] * 8 + [["a"]] * 2 + [["b"]] * 5 + [["z"]] * 10
    table = derive(found_in(baskets, 0.05), 0.05, 0.1)
    rules = by_sides(table)
    better = table.improvement
    redundant = better <= TOLERANCE
    assert redundant[rules[("a", "b"), ("y",)]]
    assert better[rules[("a", "b"), ("y",)]] == pytest.approx(0.0)
    assert np.isinf(better[rules[("a",), ("y",)]])
    assert not redundant[rules[("b", "y"), ("a",)]] or better[rules[("b", "y"), ("a",)]] == 0


@given(baskets_of_letters)
@settings(max_examples=60, deadline=None)
def test_improvement_is_its_definition(baskets: list[list[str]]) -> None:
    table = derive(found_in(baskets, 0.05), 0.05, 0.0)
    rules = by_sides(table)
    better = table.improvement
    for (x, y), row in rules.items():
        parts = [part for size in range(1, len(x)) for part in combinations(x, size)]
        simpler = [table.measures.confidence[rules[part, y]] for part in parts]
        expected = table.measures.confidence[row] - max(simpler, default=-np.inf)
        assert better[row] == pytest.approx(expected)


def test_a_frame_has_what_the_feed_has_of_a_rule() -> None:
    baskets = [["a", "b", "c"]] * 5 + [["a", "b"]] * 3 + [["c"]] * 4 + [["a"]] * 2
    changes = in_force(found_in(baskets, 0.05), Levels(0.05, 0.1, drop_redundant=False))
    assert changes
    assert all({*change.value(), "time"} >= {*RULE_COLUMNS} for change in changes), "the time is the derivation's"


def test_no_itemsets_give_no_rules() -> None:
    table = derive(found_in([["a"]], 0.5), 0.5, 0.1)
    assert len(table) == 0
    assert table.ids == []
