"""What changed in a period: the same as a count of the changes and events themselves."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from crm_online.events.models import Purchase
from crm_online.events.times import BEGIN, END
from crm_online.live.feeds.digest import digest
from crm_online.live.feeds.events import feed_event
from crm_online.live.feeds.moves import MoveFilter, moves
from crm_online.live.feeds.moves import moves as moves_in
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.rule_changes import rule_changes
from crm_online.live.feeds.tally import Tally
from crm_online.settings.units import DAY
from crm_online.step import ChangeId, Topic
from tests.command import printed
from tests.engine import shop
from tests.engine.pipelines import Shop


@pytest.fixture
def tally(at_rest: Shop) -> Tally:
    """Return the changes that the shop keeps."""
    tally = Tally()
    for entry in at_rest.lookup.kept():
        tally.add(feed_event(entry))
    return tally


def test_a_digest_counts_the_moves_of_its_period_and_the_one_before(at_rest: Shop, tally: Tally) -> None:
    lookup = at_rest.lookup
    for days in (3, 10, 1000):
        period = Period.up_to(lookup.watermark, days * DAY)
        begin, end = period.since // 1000 * 1000, period.until
        found = digest(tally, lookup.history(), period)
        moves = [move for move in at_rest.moves() if begin <= at(move["time"]) < end]
        behaviour = [one for one in moves if one["from"] and one["to"] and one["reason"] in ("event", "lapse")]
        assert found.moves == len(behaviour)
        counted = Counter((one["from"], one["to"], one["reason"]) for one in behaviour)
        assert {(one.from_, one.to, one.reason): one.moves for one in found.flows} == counted
        for flow in found.flows:
            matching = MoveFilter(flow.from_, flow.to, frozenset([flow.reason]))
            assert flow.monthly == moves_in(tally, lookup.history(), period, matching, 1).monthly
        assert found.newcomers == sum(one["from"] is None for one in moves)
        earlier = [move for move in at_rest.moves() if period.before.since // 1000 * 1000 <= at(move["time"]) < begin]
        assert found.moves_before == sum(
            bool(one["from"] and one["to"]) and one["reason"] in ("event", "lapse") for one in earlier
        )
        last = {one["customer_id"]: one for one in behaviour}
        quiet = sum(one["reason"] == "lapse" for one in last.values())
        assert f"{quiet:,} customer" in found.headline or not quiet
        assert {one.from_name for one in found.flows} <= set(lookup.names_over_time().latest().values())


def test_each_number_of_the_headline_is_as_long_as_its_list(at_rest: Shop, tally: Tally) -> None:
    history = at_rest.lookup.history()
    period = Period.up_to(at_rest.lookup.watermark, 40 * DAY)
    found = digest(tally, history, period)
    assert "".join(str(one.text) if one.money is None else f"{one.money:,.0f}" for one in found.parts) == found.headline
    listed = [one for one in found.parts if one.list]
    assert listed
    for part in listed:
        address = urlsplit(str(part.list))
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert (asked["since"], asked["until"]) == (period.begin, period.end)
        number = int(str(part.text).split()[0].replace(",", ""))
        if address.path == "/v1/moves":
            reasons = frozenset([asked["reason"]] if "reason" in asked else [])
            matching = MoveFilter(asked.get("from"), asked.get("to"), reasons, asked.get("latest") == "true")
            assert moves(tally, history, period, matching, 1000).total == number
        else:
            assert rule_changes(tally, period, asked["change"], 1000).total == number


def test_figures_of_days_are_those_of_the_events(at_rest: Shop, tally: Tally) -> None:
    lookup = at_rest.lookup
    log = shop.made(120, 100, seed=2)
    first = min(event.time for event in log)
    period = Period.of_days(7, lookup.watermark, first)
    assert period.until % DAY == period.since % DAY == 0
    for begin, end, before in ((period.since, period.until, False), (period.before.since, period.since, True)):
        inside = [event for event in log if begin <= event.time < end]
        bought = [event for event in inside if isinstance(event, Purchase)]
        money = sum(line.quantity * line.price for event in bought for line in event.items)
        figures = {
            one.name: one.before if before else one.value for one in digest(tally, lookup.history(), period).figures
        }
        assert figures["active"] == len({event.customer_id for event in inside if event.customer_id})
        assert figures["revenue"] == pytest.approx(money)


def test_the_longest_period_there_can_be_has_the_days_that_are_kept(at_rest: Shop, tally: Tally) -> None:
    found = digest(tally, at_rest.lookup.history(), Period(BEGIN, END))
    assert {len(one.series) for one in found.figures} == {100}
    assert {one.before for one in found.figures} == {None}


def test_rules_that_came_and_went_are_left_out_and_others_have_what_they_were(at_rest: Shop, tally: Tally) -> None:
    period = Period(0, at_rest.lookup.watermark + 1000)
    entries = [entry for entry in at_rest.lookup.kept() if entry.topic is Topic.RULES]
    last = {entry.key: json.loads(entry.value) for entry in entries}
    there = {key for key, value in last.items() if value["change"] != "left"}
    assert rule_changes(tally, period, "entered", 1000).total == len(there)
    assert rule_changes(tally, period, "left", 1000).total == 0


def test_moves_of_the_erased_name_nobody(at_rest: Shop, tally: Tally) -> None:
    period, history = Period(0, at_rest.lookup.watermark + 1000), at_rest.lookup.history()
    who = moves(tally, history, period, MoveFilter(), 1000).moves[0].customer_id
    erase = {"customer_id": who, "from": "s1", "to": None, "reason": "erase", "time": "2100-01-01T00:00:00Z"}
    entry = next(one for one in at_rest.lookup.kept() if one.topic is Topic.SEGMENT_CHANGES)
    value = json.loads(entry.value) | erase | {"cause": {"type": "erase"}}
    tally.add(feed_event(replace(entry, key=who, value=json.dumps(value).encode())))
    tally.forget({who: ChangeId(0, 9, 0)})
    assert who not in {one.customer_id for one in moves(tally, history, period, MoveFilter(), 1000).moves}


def at(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() * 1000


def test_the_commands_show_the_changes_of_a_period(made_shop: Path) -> None:
    found = json.loads(printed(made_shop, "digest", "--since", "3650d", "--state", "shop", "--json"))
    every = json.loads(printed(made_shop, "changes", "--since", "3650d", "--state", "shop", "--json"))
    moves = [one for one in every if one["kind"] == "segment-changes"]
    times = [one["time"] for one in every if "time" in one]
    assert times == sorted(times)
    assert {one["kind"] for one in every if "time" in one} == {"segment-changes", "rules"}
    assert found["newcomers"] == sum(one["from"] is None for one in moves)
    assert found["moves"] + found["refits"] == sum(bool(one["from"] and one["to"]) for one in moves)
    rules = json.loads(
        printed(made_shop, "changes", "--since", "3650d", "--kind", "rules", "--state", "shop", "--json")
    )
    assert rules == [one for one in every if one["kind"] == "rules"]
    assert found["headline"] in " ".join(printed(made_shop, "digest", "--since", "3650d", "--state", "shop").split())
