"""The oracle agrees with a replay to the last event, and sees one line more or less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import printed
from tests.kafka.comparing import compare
from tests.kafka.oracle import recount
from tests.replay import shop

AS_OF = "2024-07-01T00:00:00Z"
SUPPORT = 0.02
SETTINGS = [
    *("replay.partitions=4", "segments.min_customers=50"),
    *("itemsets.epsilon=0", "itemsets.half_life=none", f"itemsets.min_support={SUPPORT}"),
]
Log = list[dict[str, Any]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Return a shop's events, with the kinds that the made shop has not."""
    path = shop.write(tmp_path_factory.mktemp("log") / "shop.jsonl", shop.events(200, 120, seed=11))
    events: Log = []
    for number, event in enumerate(json.loads(line) for line in path.read_text().splitlines()):
        events.append(event)
        time, customer = event["time"], event["customer_id"]
        if event["type"] != "purchase" or not customer:
            continue
        if number % 29 == 0:
            lines = [event["items"][0] | {"quantity": "1"}, {"item": None, "price": 2}]
            events.append(event | {"type": "return", "event_id": f"r{number}", "items": lines})
        if number % 41 == 0:
            events.append({"type": "contact", "time": time, "customer_id": customer, "channel": "mail"})
            events.append({"type": "profile", "time": time, "customer_id": f"new {number}", "attributes": {"age": 41}})
        if number % 53 == 0:  # nobody's baskets, whole and in lines
            events.append({"type": "purchase", "time": time, "items": [{"item": "milk"}, {"item": 7}]})
            events.append({"type": "purchase", "time": time, "items": [{"item": "eggs"}], "basket_id": "till"})
        if number % 997 == 0:
            events.append({"type": "erase", "time": time, "customer_id": customer})
    return events


@pytest.fixture(scope="module")
def export(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    folder.joinpath("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
    printed(folder, "replay", "log.jsonl", *(part for setting in SETTINGS for part in ("--set", setting)))
    printed(folder, "export", "out", "--as-of", AS_OF)
    return folder / "out"


@pytest.mark.slow
def test_a_replay_is_as_the_oracle_says(log: Log, export: Path) -> None:
    oracle = recount(log, AS_OF)
    assert len(oracle.customers) > 200
    assert {len(items) for items in oracle.frequent(SUPPORT)} == {1, 2, 3}
    assert compare(export, oracle, SUPPORT) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["purchase", "return", "view", "feedback", "contact", "profile"])
def test_one_event_less_is_seen(log: Log, export: Path, kind: str) -> None:
    place = next(place for place, event in enumerate(log) if event["type"] == kind and place > 1000)
    found = compare(export, recount(log[:place] + log[place + 1 :], AS_OF), SUPPORT)
    assert any(f"customer {log[place]['customer_id']}: " in line for line in found), found


@pytest.mark.slow
def test_one_event_twice_is_seen_unless_its_id_says_that_it_is_one(log: Log, export: Path) -> None:
    place = next(place for place, event in enumerate(log) if event["type"] == "purchase" and place > 1000)
    again = log[place]
    assert compare(export, recount([*log[: place + 1], again, *log[place + 1 :]], AS_OF), SUPPORT) == []
    again = again | {"event_id": "another"}
    assert compare(export, recount([*log[: place + 1], again, *log[place + 1 :]], AS_OF), SUPPORT)


@pytest.mark.slow
def test_one_basket_more_is_seen(log: Log, export: Path) -> None:
    basket = {"type": "purchase", "time": log[-1]["time"], "items": [{"item": "bread"}, {"item": "butter"}]}
    found = compare(export, recount([*log, basket], AS_OF), SUPPORT)
    assert len([line for line in found if line.startswith("itemset ('bread', 'butter')")]) == 1
    assert any(line.startswith("baskets: ") for line in found)
