"""Without evidence there is no rule, and look-ups say what is lacking."""

from __future__ import annotations

import orjson

from crm_online.cli.tables.rules import rules_table
from crm_online.live.snapshots.making import SnapshotMaker
from crm_online.live.snapshots.rulebook import RuleFilter
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings


def page(store: Store) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(SnapshotMaker(store).make().rules.page(RuleFilter(), "rank", 10).body)
    return found


def test_where_there_is_no_rule_every_look_up_says_what_is_lacking(redis: Store) -> None:
    run = Shop(redis, settings(itemsets={"half_life": None}))
    for number in range(12):
        time = shop.START + number * shop.DAY
        run.step([shop.order(f"c{number}", time, ("bread", 1, 1.0), ("butter", 1, 2.0))])
        run.end()
        if number + 1 < 10:
            lacking = f"baskets counted: {number + 1}; a rule needs 10 that have all of its items"
            assert (run.lookup.rules(), run.lookup.rules_lacking()) == ([], lacking)
            assert rules_table([], lacking) == f"No rules yet: {lacking}"
            assert (page(redis)["lacking"], page(redis)["rules"]) == (lacking, [])
    assert run.lookup.rules()
    assert page(redis)["lacking"] is None
