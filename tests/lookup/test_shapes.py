"""Look-ups give the JSON that scripts rely on, with the figures that the records hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import crm_online
from crm_online.errors import InputError, StateMissing, UnknownCustomer
from crm_online.events import times
from crm_online.lookup import Lookup, open_lookup
from crm_online.lookup.predictions import column_names
from crm_online.settings.fields import FEATURE_NAMES
from crm_online.store import Store, open_store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

RULE = [
    *("change_id", "change", "antecedent", "consequent", "support", "confidence", "lift", "article_gain"),
    *("mutual_information", "leverage", "conviction", "count", "error", "baskets", "rank", "p_next_basket", "segment"),
    "time",
]


def as_json(value: object) -> Any:
    """Write a value as strict JSON, and read it back."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_segments_have_exactly_the_promised_keys(at_rest: Shop) -> None:
    found = as_json(at_rest.lookup.segments())
    assert list(found) == [
        *("model_version", "complete", "k", "k_choice", "J", "customers", "as_of"),
        *("features", "scale", "segments", "hierarchy"),
    ]
    assert found["features"] == list(FEATURE_NAMES) == list(found["scale"])
    assert (found["k"], found["complete"], found["customers"]) == (4, True, 120)
    assert found["as_of"].endswith("Z")
    for one in found["segments"]:
        by_hand, predicted = (
            ("made_name", "note", "colour", "named_by_hand"),
            ("spend_share", "purchase", "expected_value"),
        )
        assert list(one) == ["id", "name", "size", "centroid", "description", *by_hand, *predicted]
        assert list(one["description"]) == ["text", "facts", "traits"]
        assert list(one["description"]["traits"]) == ["customers", "attributes", "contact_reasons", "feedback", "items"]
        assert list(one["centroid"]) == found["features"]
        assert one["name"]
    assert len({one["name"] for one in found["segments"]}) == 4
    tree = found["hierarchy"]
    assert sorted(tree["leaves"]) == sorted(one["id"] for one in found["segments"])
    assert [len(join) for join in tree["linkage"]] == [4, 4, 4]
    assert tree["linkage"][-1][3] == 120


def test_centroids_are_the_means_of_the_vectors_in_natural_units(at_rest: Shop) -> None:
    found, frame = as_json(at_rest.lookup.segments()), at_rest.lookup.customers_frame()
    model = at_rest.views[0].model
    assert model is not None
    for one in found["segments"]:
        members = frame[frame["nearest"] == one["id"]]
        means = members[[f"vector.{name}" for name in FEATURE_NAMES]].mean().to_numpy() * 1024
        natural = model.scale.decode(means[np.newaxis, :])[0]
        assert list(one["centroid"].values()) == pytest.approx(natural, rel=1e-5, abs=1e-9)


def test_rules_have_exactly_the_promised_keys_and_add_up(at_rest: Shop) -> None:
    found = as_json(at_rest.lookup.rules())
    assert found
    for rule in found:
        assert sorted(rule) == sorted(RULE)
        assert rule["support"] == pytest.approx(rule["count"] / rule["baskets"], rel=1e-6)
        assert rule["confidence"] >= 0.3
        assert rule["change"] in ("entered", "changed")
    assert [rule["rank"] for rule in found] == list(range(1, len(found) + 1))
    for sort in ("lift", "confidence", "support"):
        ordered = at_rest.lookup.rules(sort=sort)
        values = [float(str(rule[sort])) for rule in ordered]
        assert values == sorted(values, reverse=True)
        assert at_rest.lookup.rules(sort=sort, top=3) == ordered[:3]
    item = found[0]["antecedent"][0]
    only = at_rest.lookup.rules(item=item)
    assert only == [rule for rule in found if item in rule["antecedent"] + rule["consequent"]]


def test_an_unknown_item_or_way_to_sort_is_an_error_that_names_a_near_one(at_rest: Shop) -> None:
    item = str(at_rest.lookup.itemsets().names[0])
    with pytest.raises(InputError, match=f"no item '{item.upper()}' in any basket; did you mean {item}"):
        at_rest.lookup.rules(item=item.upper())
    with pytest.raises(InputError, match="no item 'qqqqqqqq' in any basket; there are "):
        at_rest.lookup.rules(item="qqqqqqqq")
    with pytest.raises(InputError, match="cannot be sorted by foo; there are lift, confidence, support, rank"):
        at_rest.lookup.rules_frame(sort="foo")
    with pytest.raises(InputError, match="did you mean lift"):
        at_rest.lookup.rules(sort="lfit")


def test_a_rule_has_the_id_of_its_last_change(at_rest: Shop) -> None:
    entries = {json.loads(entry.value)["change_id"]: entry for entry in at_rest.entries}
    rules = [rule for rule in as_json(at_rest.lookup.rules()) if rule["change_id"] is not None]
    assert rules
    for rule in rules:
        value = json.loads(entries[rule["change_id"]].value)
        assert (value["antecedent"], value["consequent"]) == (rule["antecedent"], rule["consequent"])


def test_a_customer_has_exactly_the_promised_keys(at_rest: Shop) -> None:
    moved = [move for move in at_rest.moves() if move["from"] is not None][-1]["customer_id"]
    mine = [move for move in at_rest.moves() if move["customer_id"] == moved]
    found = as_json(at_rest.lookup.customer(moved))
    assert list(found) == [
        *("customer_id", "segment", "since", "features", "distances", "history", "predictions"),
        *("events", "last_event", "totals"),
    ]
    plain = at_rest.lookup.customers_frame().set_index("customer_id").loc[moved]
    totals = found["totals"]
    assert [totals[name] for name in ("purchases", "returns", "items")] == [
        plain[name] for name in ("purchases", "returns", "items")
    ]
    assert totals["spend"] == pytest.approx(plain["spend"], rel=1e-12)
    assert totals["gave_feedback"] == bool(plain["feedback"] != 0.5)
    assert found["customer_id"] == moved
    assert (found["segment"], found["since"]) == (mine[-1]["to"], mine[-1]["time"])
    keys = ("time", "from", "to", "reason")
    assert found["history"] == [{key: move[key] for key in keys} for move in reversed(mine[-4:])]
    assert list(found["features"]) == list(FEATURE_NAMES)
    frame = at_rest.lookup.customers_frame().set_index("customer_id")
    nearest = min(found["distances"], key=lambda segment: found["distances"][segment])
    assert len(found["distances"]) == 4
    assert nearest in set(frame["nearest"])
    assert found["events"] == frame.loc[moved, "events"]
    assert pd.Timestamp(found["last_event"]) == frame.loc[moved, "last_event"]
    for name in FEATURE_NAMES:
        assert found["features"][name] == pytest.approx(frame.loc[moved, name], rel=1e-5, abs=1e-12)


def test_figures_that_decay_are_read_at_the_time_asked_for(at_rest: Shop) -> None:
    lookup, later = at_rest.lookup, at_rest.lookup.watermark + 30 * shop.DAY
    now, then = lookup.customers_frame(), lookup.customers_frame(later)
    assert then["orders"].to_numpy() == pytest.approx(now["orders"].to_numpy() / 2, rel=1e-12)
    assert then["recency"].to_numpy() == pytest.approx(now["recency"].to_numpy() + 30)
    assert (then["basket_value"] - now["basket_value"]).abs().max() < 1e-6
    assert then["spend"].equals(now["spend"])
    assert then["vector.orders"].equals(now["vector.orders"])
    name = "customer 004"
    one: Any = lookup.customer(name, later)
    assert one["features"]["recency"] == pytest.approx(then.set_index("customer_id").loc[name, "recency"], rel=1e-5)
    assert as_json(lookup.segments(later))["as_of"] != as_json(lookup.segments())["as_of"]


def test_an_unknown_customer_is_an_error(at_rest: Shop) -> None:
    for name in ("nobody", "", "customer 00", "ü", "\udcff"):
        with pytest.raises(UnknownCustomer):
            at_rest.lookup.customer(name)
        with pytest.raises(UnknownCustomer):
            at_rest.lookup.recommend(name)


def test_before_the_first_model_look_ups_give_the_same_shapes(redis: Store) -> None:
    run = Shop(redis, settings())
    run.step([shop.order("ann", shop.START, ("tea", 1.0, 2.0))])
    found = as_json(run.lookup.segments())
    assert (found["model_version"], found["k"], found["J"]) == (0, 0, None)
    assert (found["segments"], found["customers"], found["scale"]) == ([], 1, {})
    assert found["hierarchy"] == {"linkage": [], "leaves": [], "method": "average", "distances": []}
    ann = as_json(run.lookup.customer("ann"))
    assert (ann["segment"], ann["since"], ann["distances"], ann["history"]) == (None, None, {}, [])
    assert run.lookup.rules() == []
    with pytest.raises(StateMissing, match=r"at 40 customers \(segments.min_customers\), so far: 1"):
        run.lookup.picture()
    assert as_json(run.lookup.verify())["ok"]
    assert len(run.lookup.segments_frame()) == len(run.lookup.rules_frame()) == 0
    assert run.lookup.customers_frame()["segment"].isna().all()


def test_an_empty_state_gives_empty_look_ups(redis: Store, tmp_path: Path) -> None:
    run = Shop(redis, settings())
    assert run.lookup.segments()["customers"] == 0
    assert run.lookup.customers_frame().empty
    assert run.lookup.verify()["ok"]
    assert run.lookup.export(tmp_path) == {"customers": 0, "segments": 0, "rules": 0, "itemsets": 0}
    assert list(pd.read_parquet(tmp_path / "customers.parquet"))[:3] == ["customer_id", "segment", "nearest"]


def test_where_nothing_was_replayed_a_look_up_is_a_missing_state(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state")) as store, pytest.raises(StateMissing):
        Lookup(store)
    with pytest.raises(StateMissing), open_lookup(str(tmp_path / "other")):
        pass


def test_frames_are_there_for_python_users(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with open_store(state) as store:
        run = Shop(store, settings(min_customers=30)).all(shop.made(40, 60, seed=5))
        found = as_json(run.lookup.segments())
    segments = found["segments"]
    frame = crm_online.segments_frame(state)
    assert frame["id"].tolist() == [one["id"] for one in segments]
    assert frame["centroid.orders"].tolist() == [one["centroid"]["orders"] for one in segments]
    assert len(crm_online.customers_frame(state)) == found["customers"]
    rules = crm_online.rules_frame(state)
    assert list(rules) == RULE
    assert rules["lift"].is_monotonic_decreasing
    assert crm_online.rules_frame(state, sort="rank")["rank"].is_monotonic_increasing


NEVER = [-1, 4_300_000_000_000, 10**30]
"""Times in ms that no event can have."""


@pytest.mark.parametrize("as_of", [0, shop.START - 1, *NEVER])
def test_a_time_before_the_log_or_that_no_event_can_have_is_refused(at_rest: Shop, as_of: int, tmp_path: Path) -> None:
    lookup, name = at_rest.lookup, "customer 004"
    why = "from 1970 to 2105" if as_of in NEVER else "the log begins at 20"
    asked: list[Callable[[], object]] = [
        lambda: lookup.segments(as_of),
        lambda: lookup.picture(as_of),
        lambda: lookup.rules(as_of),
        lambda: lookup.itemsets(as_of),
        lambda: lookup.customer(name, as_of),
        lambda: lookup.customers_frame(as_of),
        lambda: lookup.segments_frame(as_of),
        lambda: lookup.rules_frame(as_of),
        lambda: lookup.export(tmp_path / "none", as_of),
    ]
    for ask in asked:
        with pytest.raises(InputError, match=why):
            ask()
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("half_life", [30 * shop.DAY, 3_600_000])
@pytest.mark.parametrize("place", ["begin", "end", "last"])
def test_at_any_time_that_is_not_refused_all_figures_are_finite(redis: Store, half_life: int, place: str) -> None:
    run = Shop(redis, settings(min_customers=20, half_life=half_life, itemsets={"half_life": half_life}))
    run.all(shop.made(30, 100, seed=3))
    lookup = run.lookup
    first = min(view.state.first_event or 0 for view in run.views)
    when = {"begin": first, "end": lookup.watermark, "last": times.END - 1}[place]
    if abs(when - lookup.watermark) > 400 * half_life:
        with pytest.raises(InputError, match="more than 400 half-lives from the log's end"):
            lookup.customers_frame(when)
        when = lookup.watermark + (400 if place == "last" else -400) * half_life
    as_json([lookup.segments(when), lookup.rules(when), lookup.customer("customer 004", when)])
    numbers = lookup.customers_frame(when).select_dtypes("number").drop(columns=column_names())
    assert np.isfinite(numbers.to_numpy()).all()
