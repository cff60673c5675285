"""Recommendations: what is in them, in which order, and that their reasons are what a recount finds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters
from crm_online.recommend.answer import Buyer, RecommendationRequest, recommended
from crm_online.recommend.basis import Basis
from crm_online.recommend.examples import ScoreWeights
from crm_online.recommend.ranking import NO_HISTORY, History, rank

HALF_LIFE = 1000
ITEMS = [f"item {number}" for number in range(8)]
SETS = st.sets(st.sampled_from(ITEMS), min_size=1)
LOG = st.lists(st.tuples(st.integers(0, 5 * HALF_LIFE), SETS), min_size=1, max_size=40)
NOW = 5 * HALF_LIFE


def counted(log: Sequence[tuple[int, set[str]]]) -> PartitionCounters:
    """Count a log exactly; items are numbered as they come."""
    counters, names = ItemsetCounters(0.0, Decay(HALF_LIFE), 2, 10**7), ItemNames()
    counters.count(Baskets.of([(time, names.numbers(sorted(items)).tolist()) for time, items in log]))
    return PartitionCounters(counters, names.names, names.ids)


def basis(log: Sequence[tuple[int, set[str]]], partitions: int = 1) -> Basis:
    parts = [log[number::partitions] for number in range(partitions)]
    return Basis.of([counted(part) for part in parts], as_of=NOW)


def share(log: Sequence[tuple[int, set[str]]], *items: str) -> float:
    """Recount the decayed number of baskets with some items."""
    return math.fsum(2.0 ** ((time - NOW) / HALF_LIFE) for time, basket in log if basket.issuperset(items))


@given(LOG, st.sets(st.sampled_from([*ITEMS, "never sold"])), st.integers(1, 9))
def test_nothing_is_recommended_twice_or_that_is_in_the_basket(
    log: list[tuple[int, set[str]]], basket: set[str], top: int
) -> None:
    sold = {item for _, items in log for item in items}
    found: Any = recommended(basis(log), Buyer(), RecommendationRequest(sorted(basket), top))
    items = [one["item"] for one in found["items"]]

    assert len(items) == len(set(items)) == min(top, len(sold - basket))
    assert set(items) <= sold - basket
    assert [one["rank"] for one in found["items"]] == list(range(1, len(items) + 1))
    assert found["unknown"] == sorted(basket - sold)


@given(LOG, st.permutations(ITEMS[:4]))
def test_neither_the_order_of_the_basket_nor_repeats_change_the_answer(
    log: list[tuple[int, set[str]]], basket: list[str]
) -> None:
    known, ann = basis(log), Buyer("ann", "s1", History(4, {0: 3}))

    assert recommended(known, ann, RecommendationRequest([*basket, basket[0]])) == recommended(
        known, ann, RecommendationRequest(sorted(basket))
    )


def test_of_items_that_add_the_same_the_first_by_name_is_the_reason() -> None:
    known = basis([(NOW, {"a", "b", "c"})] * 3 + [(NOW, {"d"})] * 9)

    for basket in (["a", "b"], ["b", "a"]):
        found = rank(known, [known.ids[item] for item in basket], NO_HISTORY, 2)
        reasons = dict(zip(found.item.tolist(), found.by.tolist(), strict=True))
        assert reasons[known.ids["c"]] == known.ids["a"]


@given(LOG, st.sets(st.sampled_from(ITEMS), max_size=4), st.integers(2, 4))
def test_over_several_partitions_the_scores_are_the_same(
    log: list[tuple[int, set[str]]], basket: set[str], partitions: int
) -> None:
    one: Any = recommended(basis(log), Buyer(), RecommendationRequest(sorted(basket)))
    several: Any = recommended(basis(log, partitions), Buyer(), RecommendationRequest(sorted(basket)))

    def scores(found: Any) -> dict[str, float]:
        return {item["item"]: item["score"] for item in found["items"]}

    assert scores(several) == pytest.approx(scores(one), rel=1e-5)


def regression(log: Sequence[tuple[int, set[str]]], names: Sequence[str], item: str) -> dict[str, float]:
    """Return what scikit-learn's ridge regression of an item on all others gives each of them."""
    has = np.array([[name in basket for name in names] for _, basket in log], float)
    weight = np.array([2.0 ** ((time - NOW) / HALF_LIFE) for time, _ in log])
    others = [name for name in names if name != item]
    if not others:
        return {}
    columns = has[:, [names.index(name) for name in others]]
    fitted = Ridge(ScoreWeights().ridge, fit_intercept=False).fit(columns, has[:, names.index(item)], weight)
    return dict(zip(others, fitted.coef_.tolist(), strict=True))


@given(LOG, st.sets(st.sampled_from(ITEMS), max_size=4), st.integers(0, 5), st.lists(st.integers(0, 9), max_size=8))
@settings(deadline=None, max_examples=60)
def test_scores_and_reasons_are_what_a_recount_and_scikit_learn_find(
    log: list[tuple[int, set[str]]], basket: set[str], orders: int, counts: list[int]
) -> None:
    known = basis(log)
    bought = {item: float(count) for item, count in enumerate(counts[: len(known.names)]) if count}
    found: Any = recommended(known, Buyer("ann", None, History(orders, bought)), RecommendationRequest(sorted(basket)))
    baskets = share(log)

    for one in found["items"]:
        item, because = one["item"], one["because"]
        popular = share(log, item) / baskets
        ties = regression(log, list(known.names), item)
        seen = min(bought.get(known.ids[item], 0), orders)
        own = (seen - popular * orders) / (orders + ScoreWeights().prior)
        expected = popular + sum(ties.get(other, 0.0) for other in basket) + own
        assert one["score"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert because["consequent"] == [item]
        if because["kind"] == "basket":
            [other] = because["antecedent"]
            assert other in basket
            assert ties[other] == pytest.approx(max(ties.get(one, 0.0) for one in basket), abs=1e-6)
            both = share(log, other, item)
            figures = both / baskets, both / share(log, other), both / share(log, other) / popular
            assert because["lift"] > 1
        elif because["kind"] == "history":
            assert (because["bought"], because["orders"]) == (bought[known.ids[item]], orders)
            often = min(1.0, bought[known.ids[item]] / orders)
            figures = popular, often, often / popular
        else:
            figures = popular, popular, 1.0
        assert (because["support"], because["confidence"], because["lift"]) == pytest.approx(figures, rel=1e-5)


@given(LOG, st.lists(st.sampled_from(ITEMS), max_size=4), st.integers(1, 8))
def test_a_shorter_list_is_the_beginning_of_a_longer_one(
    log: list[tuple[int, set[str]]], basket: list[str], top: int
) -> None:
    known = basis(log)
    ids = [known.ids[item] for item in basket if item in known.ids]
    whole = rank(known, ids, NO_HISTORY, len(ITEMS)).item

    assert rank(known, ids, NO_HISTORY, top).item.tolist() == whole[:top].tolist()


def test_without_customer_and_basket_what_is_popular_now_comes_first() -> None:
    old = [(0, {"tea", "cup"})] * 9
    new = [(NOW, {"jug"})] * 2
    found: Any = recommended(basis([*old, *new]), Buyer(), RecommendationRequest())

    assert [one["item"] for one in found["items"]] == ["jug", "cup", "tea"]
    assert {one["because"]["kind"] for one in found["items"]} == {"everybody"}
    assert found["items"][0]["because"]["text"] == "87.7 % of all baskets have it"


def test_one_basket_is_less_evidence_than_many() -> None:
    seldom = [(NOW, {"lamp", "shade"})]
    often = [(NOW, {"tea", "cup"})] * 20 + [(NOW, {"tea"})] * 5
    others = [(NOW, {"jug"})] * 40
    found: Any = recommended(basis([*seldom, *often, *others]), Buyer(), RecommendationRequest(["lamp", "tea"]))

    assert [one["item"] for one in found["items"]] == ["cup", "jug", "shade"]


def test_what_a_customer_buys_again_and_again_comes_before_what_others_buy() -> None:
    log = [(NOW, {"tea", "cup"})] * 20 + [(NOW, {"rum"})] * 20 + [(NOW, {"tea"})] * 20
    known = basis(log)
    found: Any = recommended(
        known, Buyer("ann", "s2", History(10, {known.ids["rum"]: 9})), RecommendationRequest(["tea"])
    )

    assert [one["item"] for one in found["items"]] == ["rum", "cup"]
    assert [one["because"]["text"] for one in found["items"]] == [
        "in 90.0 % of this customer's orders, of which older ones count less",
        "50.0 % of the baskets with tea have it too: 1.5 times as many as of all baskets",
    ]
    assert (found["customer_id"], found["segment"], found["history"]) == ("ann", "s2", True)


def test_a_state_without_a_basket_recommends_nothing() -> None:
    empty = Basis.of([counted([])], as_of=NOW)
    found: Any = recommended(empty, Buyer(), RecommendationRequest(["tea"]))

    assert (found["items"], found["unknown"]) == ([], ["tea"])


def test_equals_come_by_name_in_whatever_order_they_were_sold() -> None:
    log = [(NOW, {item}) for item in ("d", "b", "c", "a", "c")]
    for order in permutations(range(5)):
        known = basis([log[place] for place in order])
        assert [known.names[item] for item in rank(known, [], NO_HISTORY, 4).item] == ["c", "a", "b", "d"]
    assert np.isfinite(rank(basis(log), [0, 1, 2, 3], NO_HISTORY, 4).score).all()
