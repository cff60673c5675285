"""What the state says of customers equals a recount of the log in plain Python."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_online.lookup import Lookup, open_lookup
from crm_online.lookup.predictions import column_names
from crm_online.store import open_store
from tests.engine.driving import customers, itemsets, purchase, run
from tests.replay import shop
from tests.servers.embedded import admin, keys

DAY = 86_400
HALF_LIFE = 90 * DAY


@pytest.fixture(scope="module")
def events() -> list[dict[str, object]]:
    return shop.events(90, 120, seed=3)


@pytest.fixture(scope="module")
def replayed(events: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    run(folder, events)
    return folder


def recount(events: list[dict[str, object]]) -> pd.DataFrame:
    """Count the log again: valid events once each, orders by basket id."""
    seen: set[object] = set()
    good = []
    for number, event in enumerate(events):
        name = event.get("event_id", number)
        if isinstance(event["time"], int) and name not in seen:
            seen.add(name)
            good.append(event)
    end = max(int(str(event["time"])) for event in good)
    rows: dict[object, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    opened: dict[object, set[object]] = defaultdict(set)
    for event in good:
        row, time = rows[event["customer_id"]], int(str(event["time"]))
        weight = 2.0 ** ((time - end) / HALF_LIFE)
        row["events"] += 1
        row["first"] = min(row.get("first", time), time)
        if event["type"] == "view":
            row["views"] += weight
        if event["type"] == "feedback":
            row["scores"] += weight * float(str(event["score"]))
            row["feedbacks"] += weight
        if event["type"] != "purchase":
            continue
        row["last_purchase"] = max(row["last_purchase"], time)
        row["first_purchase"] = min(row.get("first_purchase", time), time)
        for line in event["items"]:  # type: ignore[attr-defined]
            row["spend"] += line["quantity"] * line["price"]
            row["items"] += line["quantity"]
            row["spending"] += weight * line["quantity"] * line["price"]
            row["lines"] += weight
        if event["basket_id"] not in opened[event["customer_id"]]:
            opened[event["customer_id"]].add(event["basket_id"])
            row["purchases"] += 1
            row["orders"] += weight
    frame = pd.DataFrame.from_dict(rows, orient="index").fillna(0.0).sort_index()
    frame["recency"] = (end - frame["last_purchase"]) / DAY
    frame["tenure"] = (end - frame["first"]) / DAY
    frame["basket_value"] = frame["spending"] / frame["orders"]
    frame["basket_size"] = frame["lines"] / frame["orders"]
    several = frame["purchases"] > 1
    span = (frame["last_purchase"] - frame["first_purchase"]) / (frame["purchases"] - 1).clip(lower=1) / DAY
    frame["gap"] = span.where(several, frame["recency"])
    frame["feedback"] = (frame["scores"] / frame["feedbacks"]).where(frame["feedbacks"] > 0, 0.5)
    return frame


def test_totals_and_features_equal_a_recount(events: list[dict[str, object]], replayed: Path) -> None:
    found, expected = customers(replayed).set_index("customer_id"), recount(events)
    assert found.index.tolist() == expected.index.tolist()
    for name in ("purchases", "spend", "items", "events"):
        assert np.allclose(found[name], expected[name], rtol=1e-12), name
    for name in ("orders", "spending", "recency", "basket_value", "basket_size", "gap", "views", "feedback", "tenure"):
        assert np.allclose(found[name], expected[name], rtol=1e-9, atol=1e-12), name


def test_events_are_accepted_rejected_or_seen_before(events: list[dict[str, object]], tmp_path: Path) -> None:
    result = run(tmp_path, events)
    assert result.accepted + result.rejected + result.duplicates == len(events)
    assert result.rejected == sum(event["time"] == "yesterday" for event in events)
    assert result.duplicates > 0
    rejects = (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()
    assert len(rejects) == result.rejected
    assert {"reason", "field", "position", "raw"} <= json.loads(rejects[0]).keys()


def test_one_and_four_partitions_give_the_same_customers_and_counts(
    events: list[dict[str, object]], tmp_path: Path
) -> None:
    exact = ["itemsets.epsilon=0", "itemsets.half_life=none"]
    late = [dict(event) for event in events]
    late[1000:1400] = late[1000:1400][::-1]  # some come late
    for number in (1, 4):
        run(tmp_path / str(number), late, [*exact, f"replay.partitions={number}"])
    one, four = customers(tmp_path / "1"), customers(tmp_path / "4")
    assert one["customer_id"].tolist() == four["customer_id"].tolist()
    learned = {name for name in map(str, one) if name.startswith("vector.")} | set(column_names())
    plain = [name for name in map(str, one.select_dtypes("number")) if name not in learned]
    assert np.allclose(one[plain], four[plain], rtol=1e-9, atol=1e-12)
    assert itemsets(tmp_path / "1") == itemsets(tmp_path / "4")
    assert all(error == 0 for _, error in itemsets(tmp_path / "4").values())
    with open_lookup(str(tmp_path / "4" / "state")) as lookup:
        assert lookup.verify()["ok"]
        assert lookup.segments()["complete"]


def test_an_order_that_comes_line_by_line_counts_once(tmp_path: Path) -> None:
    at = shop.START
    lines = [purchase("a", at + n * 60, [f"i{n}"], basket_id="o", event_id=str(n)) for n in range(4)]
    again = purchase("a", at + 4 * DAY, ["i9"], basket_id="o")
    run(tmp_path, [*lines, again], ["itemsets.epsilon=0", "itemsets.half_life=none"])
    assert customers(tmp_path)["purchases"].tolist() == [2]  # four days later it is another order
    assert itemsets(tmp_path)["i0", "i1", "i2"] == (1.0, 0.0)


def test_baskets_of_unknown_customers_count_and_no_customer_does(tmp_path: Path) -> None:
    baskets = [purchase(None, shop.START + n, ["tea", "milk"]) for n in range(10)]
    assert run(tmp_path, baskets, ["itemsets.half_life=none"]).baskets == 10
    assert customers(tmp_path).empty
    assert itemsets(tmp_path)["milk", "tea"][0] == 10


def test_an_erased_customer_is_nowhere_any_more(events: list[dict[str, object]], tmp_path: Path) -> None:
    name = "c4"
    end = max(int(str(event["time"])) for event in events if isinstance(event["time"], int))
    erase: dict[str, object] = {"type": "erase", "customer_id": name, "time": end}
    run(tmp_path, [*events, erase])
    assert name not in customers(tmp_path)["customer_id"].tolist()
    with open_store(tmp_path / "state") as store, admin(store) as client:
        found: Any = Lookup(store).verify()
        assert found["ok"], found["differences"]
        kinds = {key: client.type(key) for key in keys(client, "{crm:0}:*")}
        lists = [key for key, kind in kinds.items() if kind == b"list"]
        assert "{crm:0}:roster" in lists
        assert any(key.startswith("{crm:0}:due:") for key in lists)
        assert not [key for key in lists if name.encode() in client.lrange(key, 0, -1)]
        hashes = [key for key, kind in kinds.items() if kind == b"hash"]
        assert {"{crm:0}:customers", "{crm:0}:sample"} <= set(hashes)
        assert not [key for key in hashes if client.hexists(key, name)]
    last = [json.loads(line) for line in (tmp_path / "out" / "segment-changes.jsonl").read_text().splitlines()]
    told = [change for change in last if change["customer_id"] == name][-1]
    assert (told["to"], told["reason"]) == (None, "erase")
