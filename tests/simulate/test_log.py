"""A simulated log is what was asked for: so many valid events, in order, the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.events import models
from crm_online.simulate import simulate


@settings(max_examples=10)
@given(customers=st.integers(300, 700), more=st.integers(0, 5000), seed=st.integers(0, 2**40))
def test_a_log_has_exactly_the_events_asked_for_all_valid_and_in_order(customers: int, more: int, seed: int) -> None:
    shop = simulate(customers, 2 * customers + more, seed)
    raw = list(shop.lines())
    assert len(raw) == 2 * customers + more
    events = [models.EVENT.validate_json(line) for line in raw]
    assert not any(event.model_extra for event in events)
    assert all(before.time <= after.time for before, after in pairwise(events))
    assert len({event.event_id for event in events}) == len(events)
    assert {event.customer_id for event in events} == set(shop.truth["segment_of"])
    begin, end = (models.EVENT.validate_python(_view(shop.truth[name])).time for name in ("begin", "end"))
    assert begin <= events[0].time
    assert events[-1].time < end


def _view(time: str) -> dict[str, str]:
    return {"type": "view", "customer_id": "c", "time": time}


def test_each_customer_begins_with_a_profile_and_has_one() -> None:
    first: dict[str, str] = {}
    profiles = 0
    for line in simulate(300, 6000, 1).lines():
        event = json.loads(line)
        first.setdefault(event["customer_id"], event["type"])
        profiles += event["type"] == "profile"
    assert set(first.values()) == {"profile"}
    assert profiles == 300


@pytest.mark.parametrize("events", [6000, 150_000])
def test_what_comes_back_was_in_the_customers_last_basket(events: int) -> None:
    last: dict[str, dict[str, Any]] = {}
    returns = 0
    for line in simulate(300, events, 2).lines():
        event = json.loads(line)
        if event["type"] == "purchase":
            last[event["customer_id"]] = event
        elif event["type"] == "return":
            bought = last[event["customer_id"]]
            assert event["basket_id"] == bought["basket_id"]
            assert event["items"][0] in bought["items"]
            returns += 1
    assert returns > events / 100


def test_every_basket_has_lines_and_no_item_twice() -> None:
    for line in simulate(300, 9000, 3).lines():
        event = json.loads(line)
        if event["type"] == "purchase":
            items = [one["item"] for one in event["items"]]
            assert items
            assert len(set(items)) == len(items)


def test_the_same_numbers_make_the_same_bytes_in_any_process(root: Path, tmp_path: Path) -> None:
    digests = set()
    for salt in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": salt, "PYTHONPATH": str(root)}
        arguments = ["simulate", "--customers", "400", "--events", "9000", "--seed", "7", "--truth", f"{salt}.json"]
        done = subprocess.run(
            [sys.executable, "-m", "crm_online", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=True,
        )
        digests.add(hashlib.sha256(done.stdout + (tmp_path / f"{salt}.json").read_bytes()).hexdigest())
    assert len(digests) == 1
    shop = simulate(400, 9000, 7)
    shop.write(tmp_path / "log.jsonl")
    again = (tmp_path / "log.jsonl").read_bytes() + (tmp_path / "log.truth.json").read_bytes()
    assert digests == {hashlib.sha256(again).hexdigest()}


def test_another_seed_makes_another_log() -> None:
    one, other = simulate(300, 900, 1), simulate(300, 900, 2)
    assert list(one.lines()) != list(other.lines())
    assert one.truth["segment_of"] != other.truth["segment_of"]
    assert list(one.lines()) == list(one.lines())


@pytest.mark.parametrize(
    ("customers", "events", "seed", "why"),
    [
        (299, 50_000, 0, "at least 300 customers, not 299"),
        (1000, 1999, 0, "at least 2000 events, not 1999"),
        (300, 600, -1, "not -1"),
    ],
)
def test_numbers_that_make_no_shop_are_refused(customers: int, events: int, seed: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        simulate(customers, events, seed)


def test_half_of_the_customers_never_buy_if_asked_for() -> None:
    plain, browsing = simulate(400, 12_000, 5), simulate(400, 12_000, 5, browsers=True)
    assert plain.truth["browsers"] == []
    assert len(browsing.truth["browsers"]) == 200
    events = [json.loads(line) for line in browsing.lines()]
    buying = {event["customer_id"] for event in events if event["type"] in {"purchase", "return", "feedback"}}
    assert buying.isdisjoint(browsing.truth["browsers"])
    assert len(buying) > 190
    assert len(events) == 12_000
    assert browsing.truth["segment_of"] == plain.truth["segment_of"]
