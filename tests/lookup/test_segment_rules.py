"""Rules of a segment: what its customers buy together more often than others, of enough different customers."""

from __future__ import annotations

from crm_online.baskets.sampled import SampledOrder
from crm_online.lookup.segment_rules import segment_rules
from crm_online.settings import Settings

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
        assert (rule["confidence"], rule["everybody"]) == (1.0, 20 / 115)
    assert segment_rules("s2", set(others), parts, Settings()) == []
    assert segment_rules("s3", set(), parts, Settings()) == []
