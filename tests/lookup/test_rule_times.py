"""When rules changed: the event time at which it was found, also where no customer moves."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from crm_online.engine.divergence import Divergence
from crm_online.events.models import Purchase
from crm_online.events.times import to_short_iso
from crm_online.live.feeds.digest import digest
from crm_online.live.feeds.events import feed_event
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.rule_changes import rule_changes
from crm_online.live.feeds.tally import Tally
from crm_online.step import Entry, Topic
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings

SIZE = 200
Told = tuple[Shop, list[tuple[int | None, list[Entry]]]]
"""A shop, and each step's watermark with the changes of rules that it published."""


@pytest.fixture
def steps(redis: Store) -> Told:
    """Return a shop of baskets only, step by step."""
    log = [one for one in shop.made(120, 100, seed=2) if isinstance(one, Purchase)]
    run, found = Shop(redis, settings()), list[tuple[int | None, list[Entry]]]()
    before = 0
    for _ in run.run([one.model_copy(update={"customer_id": None}) for one in log], SIZE):
        found.append((run.watermark, [one for one in run.entries[before:] if one.topic is Topic.RULES]))
        before = len(run.entries)
    return run, found


def test_a_change_of_a_rule_has_the_time_at_which_rules_were_derived(
    steps: Told,
) -> None:
    run, published = steps
    told = [(watermark, json.loads(entry.value)) for watermark, entries in published for entry in entries]
    assert len({watermark for watermark, _ in told}) > 2
    assert [value["time"] for _, value in told] == [seconds(watermark) for watermark, _ in told]
    in_force = {
        json.dumps([one["antecedent"], one["consequent"]], separators=(",", ":")): one for one in run.lookup.rules()
    }
    last = {entry.key: json.loads(entry.value) for _, entries in published for entry in entries}
    known = in_force.keys() & last.keys()
    assert known
    assert {rule: in_force[rule]["time"] for rule in known} == {rule: last[rule]["time"] for rule in known}


def test_what_changed_about_rules_is_of_its_period_where_nobody_has_a_name(
    steps: Told,
) -> None:
    run, published = steps
    tally = Tally()
    for entry in run.lookup.kept():
        tally.add(feed_event(entry))
    moments = [watermark for watermark, entries in published if watermark and entries]
    first = min(moments)
    assert tally.rules_complete_since == datetime.fromisoformat(seconds(first))
    # Up to the second derivation all that there is has entered; from then on, what came and went.
    early = Period(first // 1000 * 1000, moments[1] // 1000 * 1000)
    entered = rule_changes(tally, early, None, 1000)
    assert {one.change for one in entered.rules} == {"entered"}
    assert {one.time for one in entered.rules} == {tally.rules_complete_since}
    assert entered.kept_since == tally.rules_complete_since
    late = Period(moments[1] // 1000 * 1000, run.lookup.watermark + 1000)
    inside = [
        json.loads(one.value) for at, entries in published for one in entries if at and at // 1000 >= moments[1] // 1000
    ]
    assert inside
    changes = rule_changes(tally, late, None, 1000)
    assert 0 < changes.total <= len({json.dumps([one["antecedent"], one["consequent"]]) for one in inside})
    told = digest(tally, run.lookup.history(), late)
    assert told.rules_entered + told.rules_changed + told.rules_left == changes.total
    assert told.kept_since == tally.rules_complete_since
    whole = digest(tally, run.lookup.history(), Period(first // 1000 * 1000, run.lookup.watermark + 1000))
    assert f"{whole.rules_entered:,} new rule" in whole.headline


def test_what_is_published_again_after_a_rewind_has_the_time_of_that(redis: Store) -> None:
    run = Shop(redis, settings()).all(shop.made(60, 60, seed=2))
    rules = [entry.key for entry in run.entries if entry.topic is Topic.RULES]
    step = run.pipelines[0].republish(LOG, Divergence(0, rules=frozenset([*rules, '[["tea"],["gone"]]'])))
    times = {json.loads(entry.value)["time"] for entry in step.entries if entry.topic is Topic.RULES}
    assert times == {seconds(run.watermark)}


def seconds(time: int | None) -> str:
    return to_short_iso((time or 0) // 1000 * 1000)
