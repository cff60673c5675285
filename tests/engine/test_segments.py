"""Segments: exact sums, ids that stay, moves that are meant, and lapses without events."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_online.engine.engine import layout
from crm_online.errors import StateMissing, UnknownCustomer
from crm_online.lookup import Lookup, open_lookup
from crm_online.settings import Settings
from crm_online.step import Topic
from crm_online.store import open_store
from tests.engine.driving import customers, purchase, run
from tests.replay import shop
from tests.servers.embedded import admin

DAY = 86_400


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    run(folder, shop.events(240, 200, seed=11), ["segments.k=4"])
    return folder


def changes(folder: Path, name: str = "segment-changes") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "out" / f"{name}.jsonl").read_text().splitlines()]


def test_stored_sums_are_those_of_the_vectors(replayed: Path) -> None:
    frame = customers(replayed)
    with open_lookup(str(replayed / "state")) as lookup:
        segments = lookup.segments()
    vectors = frame[[name for name in map(str, frame) if name.startswith("vector.")]].to_numpy()
    sizes = frame["nearest"].value_counts()
    inertia = 0.0
    for segment in segments["segments"]:  # type: ignore[attr-defined]
        members = vectors[frame["nearest"] == segment["id"]]
        assert segment["size"] == sizes.get(segment["id"], 0) == len(members)
        inertia += float(((members - members.mean(axis=0)) ** 2).sum())
    assert segments["complete"]
    assert abs(float(str(segments["J"])) - inertia) <= 1e-9 * max(inertia, 1e-6 * float((vectors**2).sum()))


def test_planted_kinds_of_customers_end_in_segments_of_their_own(replayed: Path) -> None:
    frame = customers(replayed)
    kind = frame["customer_id"].str[1:].astype(int) % len(shop.KINDS)
    lively = frame["recency"] < 60
    table = pd.crosstab(kind[lively], frame.loc[lively, "nearest"])
    assert table.max(axis=1).sum() / table.to_numpy().sum() > 0.7


def test_every_customer_has_a_segment_and_changes_tell_how(replayed: Path) -> None:
    at: dict[object, object] = {}
    for change in changes(replayed):
        assert change["from"] == at.get(change["customer_id"])
        assert change["from"] != change["to"]
        at[change["customer_id"]] = change["to"]
    frame = customers(replayed)
    assert dict(zip(frame["customer_id"], frame["segment"], strict=True)) == at


def test_change_ids_are_complete_and_in_order(replayed: Path) -> None:
    numbers = sorted(int(str(c["change_id"]).split("-")[2]) for topic in Topic for c in changes(replayed, topic))
    assert numbers == list(range(1, len(numbers) + 1))


def test_nobody_goes_back_to_the_segment_just_left_within_two_dwells(replayed: Path) -> None:
    last: dict[object, tuple[object, datetime]] = {}
    returns = 0
    for change in changes(replayed):
        when = datetime.fromisoformat(str(change["time"]))
        before = last.get(change["customer_id"])
        if before and change["to"] == before[0] and change["reason"] != "refit":
            assert (when - before[1]).total_seconds() > 14 * DAY
            returns += 1
        last[change["customer_id"]] = (change["from"], when)
    assert returns, "nobody ever goes back: this log shows nothing"


def test_who_stops_buying_lapses_though_nothing_of_theirs_arrives(replayed: Path) -> None:
    lapses = [change for change in changes(replayed) if change["reason"] == "lapse"]
    assert lapses
    assert all(float(str(change["cause"]["idle_days"])) > 0 for change in lapses)  # type: ignore[index]
    frame = customers(replayed).set_index("customer_id")
    quiet = frame[frame["recency"] > 120]
    busy = frame[(frame["recency"] < 5) & (frame["orders"] > 10)]
    assert len(quiet) > 5
    assert quiet["segment"].isin(busy["segment"].value_counts().index[:1]).mean() < 0.1


def test_a_feature_that_does_not_vary_counts_for_nothing(replayed: Path) -> None:
    frame = customers(replayed)
    assert (frame["vector.contacts"] == 0).all()
    assert (frame["vector.returned"] == 0).all()
    assert frame["vector.orders"].std() > 0


def test_without_enough_customers_there_is_no_model(tmp_path: Path) -> None:
    run(tmp_path, [purchase(f"c{n}", shop.START + n, ["tea"]) for n in range(59)])
    with open_lookup(str(tmp_path / "state")) as lookup:
        assert lookup.segments()["model_version"] == 0
        assert lookup.customer("c3")["segment"] is None
        with pytest.raises(UnknownCustomer):
            lookup.customer("nobody")


def test_looking_at_a_state_that_is_not_there_says_so_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StateMissing), open_lookup(str(tmp_path / "none")):
        pass
    assert not (tmp_path / "none").exists()


def test_segments_rules_and_customers_have_the_shapes_that_scripts_rely_on(replayed: Path) -> None:
    with open_lookup(str(replayed / "state")) as lookup:
        segments, rules, customer = lookup.segments(), lookup.rules(), lookup.customer("c8")
        assert {"model_version", "complete", "k", "J", "customers", "as_of", "features", "scale", "segments"} <= set(
            segments
        )
        assert {"linkage", "leaves"} <= set(segments["hierarchy"])  # type: ignore[call-overload]
        assert len(lookup.segments_frame()) == segments["k"]
        frame = lookup.rules_frame()
        assert frame["lift"].is_monotonic_decreasing
        assert len(frame) == len(rules)
    assert {"change_id", "change", "antecedent", "consequent", "support", "confidence", "lift", "rank"} <= set(rules[0])
    assert ["bread"] in [rule["antecedent"] for rule in rules]
    assert set(customer) == {
        *("customer_id", "segment", "since", "features", "distances", "history", "events", "last_event"),
        *("totals", "predictions"),
    }


def test_verify_finds_what_was_tampered_with(tmp_path: Path) -> None:
    run(tmp_path, shop.events(120, 100, seed=2))
    with open_store(tmp_path / "state") as store, admin(store) as client:
        lookup = Lookup(store)
        whole = lookup.verify()
        assert whole["ok"]
        name, raw = next(store.partition(0).hash_all("customers"))
        core = layout(Settings())[0].core
        vectors = core.fields["vectors"][1] if core.fields else 0
        for place, what in ((1, "segment"), (core.itemsize + 7, "sum"), (vectors, "vector")):
            bent = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
            client.hset("{crm:0}:customers", name, bent)
            found = lookup.verify()
            assert not found["ok"], what
            assert found["digest"] != whole["digest"]
        client.hdel("{crm:0}:customers", name)
        assert not lookup.verify()["ok"]
        client.hset("{crm:0}:customers", name, raw)
        assert lookup.verify() == whole


def test_an_export_holds_what_it_promises(replayed: Path, tmp_path: Path) -> None:
    with open_lookup(str(replayed / "state")) as lookup:
        rows = lookup.export(tmp_path)
        assert isinstance(lookup, Lookup)
    assert set(rows) == {"customers", "segments", "rules", "itemsets"}
    frame = pd.read_parquet(tmp_path / "customers.parquet")
    assert frame.columns.tolist()[:10] == [
        *("customer_id", "segment", "nearest", "first_event", "last_event"),
        *("purchases", "spend", "items", "returns", "events"),
    ]
    assert {"orders", "spending", "recency", "vector.orders"} <= set(frame)
    sets = pd.read_parquet(tmp_path / "itemsets.parquet")
    assert sets.columns.tolist() == ["items", "count", "error", "support"]
    assert np.isfinite(sets["count"]).all()
