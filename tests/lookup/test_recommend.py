"""Recommendations from a state in Redis: whose history counts, and what is said of strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.answers.rules import Recommendations
from crm_online.baskets import sampled
from crm_online.baskets.catalogue import CatalogueEntries
from crm_online.baskets.sampled import SampledOrder
from crm_online.errors import UnknownCustomer
from crm_online.events import models
from crm_online.events.times import to_iso
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

HABIT = "paper"
LOYAL = "loyal"


def log() -> list[Any]:
    """Return the log of a shop in which pens come with ink, and one customer buys paper again and again."""
    own = [shop.order(LOYAL, shop.START + day * shop.DAY, (HABIT, 1, 3.0)) for day in range(0, 90, 6)]
    pens = [
        shop.order(f"writer {day}", shop.START + day * shop.DAY, ("pen", 1, 3.0), ("ink", 1, 2.0)) for day in range(90)
    ]
    return sorted([*shop.made(120, 100, seed=2), *own, *pens], key=lambda event: event.time)


@pytest.fixture(scope="module", params=[1, 3], ids=["one partition", "three partitions"])
def shopping(request: pytest.FixtureRequest, redis: Store) -> Shop:
    return Shop(redis, settings(min_customers=100, partitions=request.param, itemsets={"min_support": 0.02})).all(log())


def items(found: dict[str, Any]) -> list[str]:
    return [one["item"] for one in found["items"]]


def test_recommendations_are_what_the_service_promises(shopping: Shop) -> None:
    lookup = shopping.lookup
    found: Any = lookup.recommend(LOYAL, ["bread"], 5)

    answer = Recommendations.model_validate(found, strict=False)
    assert json.loads(answer.model_dump_json())["items"][0]["because"].keys() >= found["items"][0]["because"].keys()
    assert found["segment"] == lookup.customer(LOYAL)["segment"]
    assert found["segment"] is not None
    assert (found["customer_id"], found["history"], found["basket"], len(found["items"])) == (LOYAL, True, ["bread"], 5)
    assert "bread" not in items(found)


def test_a_habit_is_recommended_and_named_as_the_reason(shopping: Shop) -> None:
    found: Any = shopping.lookup.recommend(LOYAL)
    [habit] = [one for one in found["items"] if one["item"] == HABIT]

    assert habit["rank"] == 1
    because = habit["because"]
    assert because["kind"] == "history"
    # 15 orders every six days, of which older ones count less, as of the last one: half after 180 days.
    decayed = sum(2 ** ((day - 84) / 180) for day in range(0, 90, 6))
    assert (because["bought"], because["orders"]) == pytest.approx((decayed, decayed), rel=0.03)
    assert because["confidence"] == 1
    assert HABIT not in items(shopping.lookup.recommend(top=5))


def test_what_goes_with_the_basket_comes_with_its_rule(shopping: Shop) -> None:
    lookup = shopping.lookup
    found: Any = lookup.recommend(basket=["bread", "pen"])
    [rule] = [one for one in lookup.rules() if (one["antecedent"], one["consequent"]) == (["pen"], ["ink"])]
    [because] = [one["because"] for one in found["items"] if one["item"] == "ink"]

    assert (because["antecedent"], because["consequent"]) == (["pen"], ["ink"])
    assert [because[name] for name in ("support", "confidence", "lift")] == pytest.approx(
        [rule[name] for name in ("support", "confidence", "lift")], rel=1e-5
    )


def test_a_stranger_with_a_basket_is_served_and_one_without_is_an_error(shopping: Shop) -> None:
    lookup = shopping.lookup
    found: Any = lookup.recommend("stranger", ["bread", "no such thing"])

    assert items(found) == items(lookup.recommend(basket=["bread"]))
    assert (found["customer_id"], found["segment"], found["history"]) == ("stranger", None, False)
    assert found["unknown"] == ["no such thing"]
    with pytest.raises(UnknownCustomer, match="no customer 'stranger' in the state"):
        lookup.recommend("stranger")


def test_every_customer_has_a_history_however_small_the_sample_is(redis: Store) -> None:
    shopping = Shop(redis, settings(min_customers=100, sample=64)).all(log())
    lookup = shopping.lookup
    known = [lookup.recommend(f"customer {number:03}")["history"] for number in range(120)]

    assert sum(map(bool, known)) > 100
    found: Any = lookup.recommend(LOYAL)
    assert found["items"][0]["item"] == HABIT


def test_what_was_learned_repeats_over_any_number_of_steps(shopping: Shop) -> None:
    learned = shopping.lookup.recommender.basis.learned
    assert learned.hidden > 64
    assert shopping.lookup.recommender.basis.learned == learned


def test_nothing_of_an_erased_customer_is_left_in_what_recommendations_read(redis: Store) -> None:
    shopping = Shop(redis, settings(min_customers=100)).all([*log(), shop.erase(LOYAL, shop.START + 99 * shop.DAY)])
    store = redis.partition(0)
    orders = [SampledOrder.decode(raw) for _, raw in store.hash_all(sampled.NAME)]
    assert orders
    assert LOYAL not in {order.customer for order in orders}
    with pytest.raises(UnknownCustomer):
        shopping.lookup.recommend(LOYAL)


def test_excluded_and_bought_items_do_not_come(shopping: Shop) -> None:
    lookup = shopping.lookup
    everything = items(lookup.recommend(LOYAL, top=50))
    assert HABIT in everything
    assert items(lookup.recommend(LOYAL, top=50, exclude=["tea", "no such thing"])) == [
        one for one in everything if one != "tea"
    ]
    new = items(lookup.recommend(LOYAL, top=50, new_only=True))
    assert HABIT not in new
    assert set(new) == set(everything) - {HABIT}


def test_customers_together_get_what_each_gets_alone(shopping: Shop) -> None:
    lookup = shopping.lookup
    found: Any = lookup.recommend_each([LOYAL, "stranger", "customer 004", LOYAL], 5)
    assert found["missing"] == ["stranger"]
    assert found["recommendations"] == [lookup.recommend(LOYAL, top=5), lookup.recommend("customer 004", top=5)]


@pytest.mark.parametrize("partitions", [1, 3])
def test_what_is_sold_out_is_counted_and_not_recommended_until_it_is_back(redis: Store, partitions: int) -> None:
    shopping = Shop(redis, settings(min_customers=100, partitions=partitions)).all(
        [
            *log(),
            catalogue(HABIT, 95, available=False, category="office"),
            catalogue("ink", 94, available=True, price=2.5),
        ]
    )
    lookup = shopping.lookup
    assert HABIT not in items(lookup.recommend(LOYAL, top=50))
    assert lookup.recommender.basis.count[lookup.recommender.basis.ids[HABIT]] > 0
    [ink] = [one for one in lookup.recommend(basket=["pen"])["items"] if one["item"] == "ink"]  # type: ignore[attr-defined]
    assert (ink["category"], ink["price"]) == (None, 2.5)

    shopping.all([catalogue(HABIT, 97, available=True), catalogue(HABIT, 96, available=False)])
    assert HABIT in items(shopping.lookup.recommend(LOYAL, top=50))
    assert shopping.lookup.verify()["ok"]


@given(st.permutations([(1, True), (2, False), (2, True), (0, False)]))
def test_the_catalogue_is_the_same_in_whatever_order_its_events_come(order: list[tuple[int, bool]]) -> None:
    found = CatalogueEntries()
    for day, available in order:
        found.update(shop.columns([catalogue("tea", day, available=available)]))
    assert (found.entries["tea"].time, found.entries["tea"].available) == (shop.START + 2 * shop.DAY, False)


def catalogue(item: str, day: int, *, available: bool, **more: Any) -> models.Event:
    time = to_iso(shop.START + day * shop.DAY)
    said = {"type": "catalogue", "time": time, "item": item, "available": available}
    return models.EVENT.validate_python(said | more)
