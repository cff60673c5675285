"""Rules of a segment: what its customers buy together more often than others, of enough different customers."""

from __future__ import annotations

import orjson

from crm_online.baskets.sampled import SampledOrder
from crm_online.live.snapshots.making import SnapshotMaker
from crm_online.live.snapshots.rulebook import RuleFilter
from crm_online.lookup.segment_rules import segment_rules
from crm_online.settings import Settings
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

NAMES = ["tea", "cup", "bread", "butter", "wine"]
TEA, CUP, BREAD, BUTTER, WINE = range(5)


def order(customer: str, *items: int) -> SampledOrder:
    return SampledOrder(customer, 0, 0, sorted(items))


def test_a_segment_has_the_rules_that_its_customers_make_more_often_than_others() -> None:
    mine = [f"m{number}" for number in range(10)]
    others = [f"o{number}" for number in range(30)]
    orders = [order(name, TEA, CUP) for name in mine * 2] + [order(name, BREAD, BUTTER) for name in mine * 2]
    orders += [order("m1", WINE, BREAD) for _ in range(15)]  # one customer's own habit
    orders += [order(name, TEA) for name in others] + [order(name, BREAD, BUTTER) for name in others]
    parts = [(orders[::2], NAMES), (orders[1::2], NAMES)]
    found = segment_rules("s1", set(mine), parts, Settings())
    sides = sorted((rule["antecedent"], rule["consequent"]) for rule in found)
    assert sides == [(["cup"], ["tea"]), (["tea"], ["cup"])]
    for rank, rule in enumerate(found, start=1):
        assert (rule["segment"], rule["rank"], rule["count"], rule["baskets"]) == ("s1", rank, 20, 55)
        assert (rule["confidence"], rule["everybody"], rule["customers"]) == (1.0, 20 / 115, 10)
    assert segment_rules("s2", set(others), parts, Settings()) == []
    assert segment_rules("s3", set(), parts, Settings()) == []


def test_the_service_has_the_rules_of_each_segment_as_look_ups_have_them(redis: Store) -> None:
    run = Shop(redis, settings(k=2, min_customers=20))
    tea, bread = [("tea", 1, 1.0), ("cup", 1, 1.0)], [("bread", 1, 90.0), ("butter", 1, 90.0)]
    log = [
        shop.order(f"{kind}{number}", shop.START + day * shop.DAY + number, *lines)
        for day in range(12)
        for kind, lines, every in (("often", tea, 1), ("seldom", bread, 4))
        for number in range(20)
        if day % every == 0
    ]
    run.all(sorted(log, key=lambda event: event.time), 120)
    run.end()
    found = SnapshotMaker(redis).make()
    assert set(found.segment_rules) == {"s1", "s2"}
    sides = set()
    for segment, book in found.segment_rules.items():
        own = run.lookup.rules(segment=segment)
        assert orjson.loads(book.page(RuleFilter(), "rank", 10).body)["rules"] == own
        assert run.lookup.rules_frame(segment=segment)["customers"].tolist() == [20, 20]
        sides.add(frozenset(str(rule["antecedent"]) for rule in own))
    assert sides == {frozenset({"['tea']", "['cup']"}), frozenset({"['bread']", "['butter']"})}
