"""A change is emitted when a rule differs from what was last emitted, and not more often."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.itemsets.parts import FrequentItemsets
from crm_online.rules.changes import diff, in_force
from crm_online.rules.derive import derive
from crm_online.rules.emitted import EmittedRules, RuleChange, RuleChangeKind
from crm_online.rules.levels import Levels
from tests.rules.shops import found_in

LEVELS = Levels(min_support=0.1, min_confidence=0.5)
FIELDS = [
    *("change", "antecedent", "consequent", "support", "confidence", "lift", "article_gain", "mutual_information"),
    *("leverage", "conviction", "count", "error", "baskets", "rank", "p_next_basket", "segment"),
]


def table_of(both: int, only_a: int, only_b: int, neither: int, levels: Levels = LEVELS) -> FrequentItemsets:
    return derived([["a", "b"]] * both + [["a"]] * only_a + [["b"]] * only_b + [["z"]] * neither, levels)


def derived(baskets: list[list[str]], levels: Levels = LEVELS) -> FrequentItemsets:
    leave = levels.leave_support(sum(map(bool, baskets)))
    return found_in(baskets, leave)


def kinds(changes: list[RuleChange]) -> list[tuple[str, str]]:
    return [(change.id, change.change.value) for change in changes]


some_baskets = st.lists(st.lists(st.sampled_from("abcde"), max_size=5), min_size=1, max_size=25)

A_TO_B = '[["a"],["b"]]'


def test_a_rule_enters_with_the_fields_of_the_feed() -> None:
    changes = diff(table_of(20, 5, 30, 45), EmittedRules(), LEVELS)
    assert kinds(changes) == [(A_TO_B, "entered")]
    value = changes[0].value()
    assert list(value) == FIELDS
    assert value["antecedent"] == ["a"]
    assert (value["count"], value["baskets"], value["rank"]) == (20, 100, 1)
    assert value["confidence"] == pytest.approx(0.8)
    assert RuleChange.of_value(A_TO_B, json.loads(json.dumps(value)) | {"change_id": "0:0:1"}) == changes[0]


def test_a_certain_rule_has_no_conviction_in_json() -> None:
    (change,) = diff(table_of(20, 0, 30, 50), EmittedRules(), LEVELS)
    assert change.value()["conviction"] is None
    assert "Infinity" not in json.dumps(change.value())


def test_small_changes_are_kept_back_and_measured_from_what_was_emitted() -> None:
    emitted = EmittedRules()
    emitted.update(diff(table_of(4000, 1000, 3000, 12_000), emitted, LEVELS))
    for both in (4080, 4160):
        assert not diff(table_of(both, 1000, 3000, 12_000), emitted, LEVELS)
    changes = diff(table_of(4400, 1000, 3000, 12_000), emitted, LEVELS)
    assert (A_TO_B, "changed") in kinds(changes)
    emitted.update(changes)
    assert not diff(table_of(4400, 1000, 3000, 12_000), emitted, LEVELS)


@pytest.mark.parametrize(
    ("enters", "between", "below"),
    [
        # Support 10 %, 9.5 %, 8.9 %.
        ((1000, 500, 5000, 3500), (950, 500, 5000, 3550), (890, 500, 5000, 3610)),
        # Confidence 50 %, 47.5 %, 44.5 %.
        ((2000, 2000, 8000, 0), (1900, 2100, 8000, 0), (1780, 2220, 8000, 0)),
    ],
)
def test_a_rule_enters_at_the_levels_and_leaves_below_nine_tenths(
    enters: tuple[int, int, int, int], between: tuple[int, int, int, int], below: tuple[int, int, int, int]
) -> None:
    def of_a(changes: list[RuleChange]) -> list[RuleChange]:
        return [change for change in changes if change.id == A_TO_B]

    assert not of_a(diff(table_of(*between), EmittedRules(), LEVELS))
    emitted = EmittedRules()
    emitted.update(diff(table_of(*enters), emitted, LEVELS))
    assert A_TO_B in emitted
    changes = diff(table_of(*between), emitted, LEVELS)
    assert all(change.change is RuleChangeKind.CHANGED for change in of_a(changes))
    last = emitted[A_TO_B]
    emitted.update(changes)
    last = emitted[A_TO_B]
    (left,) = of_a(diff(table_of(*below), emitted, LEVELS))
    assert left.change is RuleChangeKind.LEFT
    assert left.support == last.support


def test_of_few_baskets_a_rule_leaves_only_by_more_than_chance() -> None:
    emitted = EmittedRules()
    emitted.update(diff(table_of(10, 5, 50, 35), emitted, LEVELS))
    assert A_TO_B in emitted
    # 10 % of 100 baskets are 10 with a standard error of 3: 8 of 100 are below nine tenths, but no news.
    assert A_TO_B not in dict(kinds(diff(table_of(8, 5, 50, 37), emitted, LEVELS)))
    assert dict(kinds(diff(table_of(4, 2, 50, 44), emitted, LEVELS)))[A_TO_B] == "left"


def redundancy(extra: int) -> FrequentItemsets:
    """Return rules where "a and b" is followed by y a little more often than "a" is."""
    baskets = [["a", "b", "y"]] * (500 + extra) + [["a", "b"]] * (500 - extra) + [["a", "y"]] * 500 + [["a"]] * 500
    baskets += [["b"]] * 1000 + [["z"]] * 500
    return derived(baskets)


def test_a_redundant_rule_stays_out_unless_asked_for_and_leaves_when_no_better() -> None:
    rule = '[["a","b"],["y"]]'
    assert rule not in {change.id for change in diff(redundancy(0), EmittedRules(), LEVELS)}
    assert rule in {change.id for change in diff(redundancy(0), EmittedRules(), Levels(0.1, 0.5, drop_redundant=False))}
    emitted = EmittedRules()
    emitted.update(diff(redundancy(100), emitted, LEVELS))
    assert rule in emitted
    assert not [change for change in diff(redundancy(1), emitted, LEVELS) if change.change is RuleChangeKind.LEFT]
    left = [change.id for change in diff(redundancy(0), emitted, LEVELS) if change.change is RuleChangeKind.LEFT]
    assert rule in left


@given(st.lists(some_baskets, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_the_changes_taken_together_are_the_rules_in_force(logs: list[list[list[str]]]) -> None:
    emitted = EmittedRules()
    baskets: list[list[str]] = []
    for log in logs:
        baskets += log
        found = derived(baskets)
        changes = diff(found, emitted, LEVELS)
        table = derive(found, 0.0, LEVELS.least_confidence)
        assert len({change.id for change in changes}) == len(changes)
        for change in changes:
            assert (change.id in emitted) == (change.change is not RuleChangeKind.ENTERED)
        emitted.update(changes)
        row = {rule: number for number, rule in enumerate(table.ids)}
        reaching = {change.id for change in in_force(found, LEVELS)}
        assert reaching <= emitted.keys() <= row.keys()
        better = table.improvement
        for rule, change in emitted.items():
            assert better[row[rule]] > 0
            for name in ("support", "confidence", "lift"):
                now, then = getattr(table.measures, name)[row[rule]], getattr(change, name)
                tolerance = max(0.05, 2 / math.sqrt(table.count[row[rule]]))
                assert abs(now - then) <= tolerance * then + 1e-12
        entered = [change.rank for change in changes if change.change is not RuleChangeKind.LEFT]
        assert entered == sorted(entered)
        assert all(1 <= rank <= len(emitted) for rank in entered)


def test_no_rules_change_nothing() -> None:
    empty = found_in([[]], 0.1)
    assert diff(empty, EmittedRules(), LEVELS) == []
    assert not np.isfinite(derive(empty, 0.1, 0.1).improvement).any()
