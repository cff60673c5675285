"""The truth of a log, recounted from the log in plain pandas."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from crm_online.simulate import simulate

SHOP = simulate(1200, 60_000, 11)


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """Return the log, an event a row, with the customer's segment at the end."""
    frame = pd.DataFrame([json.loads(line) for line in SHOP.lines()])
    frame["time"] = pd.to_datetime(frame["time"])
    frame["segment"] = frame["customer_id"].map(pd.Series(SHOP.truth["segment_of"]))
    return frame


def test_segments_have_their_sizes_and_shares() -> None:
    sizes = pd.Series(SHOP.truth["segment_of"]).value_counts()
    assert sizes.sum() == SHOP.truth["customers"] == 1200
    for segment in SHOP.truth["segments"]:
        assert sizes[segment["name"]] == segment["size"] == pytest.approx(1200 * segment["share"], abs=1)
        assert 0.08 <= segment["share"] <= 0.30


def test_nothing_comes_from_who_has_lapsed(log: pd.DataFrame) -> None:
    since = pd.to_datetime(pd.Series(SHOP.truth["lapsed"]))
    last = log.groupby("customer_id")["time"].max()
    assert set(since.index) == set(log.loc[log["segment"] == "lapsed", "customer_id"])
    assert (last[since.index] < since).all()
    stayed = last.drop(since.index)
    assert (stayed > pd.Timestamp(SHOP.truth["end"]) - pd.Timedelta(days=60)).mean() > 0.99


def test_who_shifted_buys_as_one_segment_before_and_as_the_other_after(log: pd.DataFrame) -> None:
    shifted = list(SHOP.truth["shifted"])
    assert len(shifted) == pytest.approx(0.04 * 1200, abs=1)
    bought = log[log["type"] == "purchase"].assign(
        lines=lambda frame: frame["items"].map(len), after=lambda frame: frame["time"] >= SHOP.truth["shift"]
    )
    theirs = bought[bought["customer_id"].isin(shifted)].groupby("after")["lines"].mean()
    others = bought[~bought["customer_id"].isin(shifted)].groupby("segment")["lines"].mean()
    assert theirs[False] == pytest.approx(others["regulars"], rel=0.1)
    assert theirs[True] == pytest.approx(others["champions"], rel=0.1)


def test_segments_behave_as_the_truth_says(log: pd.DataFrame) -> None:
    kinds = log.pivot_table(index="segment", columns="type", values="event_id", aggfunc="count", fill_value=0)
    each = kinds.div(pd.Series({segment["name"]: segment["size"] for segment in SHOP.truth["segments"]}), axis=0)
    assert each["view"].idxmax() == "browsers"
    assert each["return"].idxmax() == "returners"
    assert each["contact"].idxmax() == "returners"
    assert set(each["purchase"].nlargest(2).index) == {"champions", "regulars"}
    assert log.groupby("segment")["score"].mean().idxmin() == "returners"
    joined = log.groupby("customer_id")["time"].min()
    new = pd.Series(SHOP.truth["segment_of"])[joined.index] == "newcomers"
    assert joined[new].min() > joined[~new].max() + pd.Timedelta(days=90)


def test_attributes_are_over_represented_as_the_truth_says(log: pd.DataFrame) -> None:
    profiles = log[log["type"] == "profile"]
    known = pd.DataFrame(profiles["attributes"].tolist(), index=profiles["segment"])
    compared = 0
    for segment in SHOP.truth["segments"]:
        for one in segment["attributes"]:
            has = known[one["attribute"]] == one["value"]
            inside = known.index == segment["name"]
            assert has[inside].mean() == pytest.approx(one["share"], abs=0.13)
            assert has[~inside].mean() == pytest.approx(one["elsewhere"], abs=0.05)
            assert one["share"] > 2 * one["elsewhere"]
            compared += 1
    assert compared == 6


def test_contact_reasons_are_over_represented_as_the_truth_says(log: pd.DataFrame) -> None:
    contacts = log[log["type"] == "contact"]
    for segment in SHOP.truth["segments"]:
        inside = contacts["segment"] == segment["name"]
        for one in segment["reasons"]:
            has = contacts["reason"] == one["reason"]
            assert has[inside].mean() == pytest.approx(one["share"], abs=0.12)
            assert has[~inside].mean() < one["share"] / 2


def test_items_are_liked_as_the_truth_says(log: pd.DataFrame) -> None:
    planted = {item for rule in SHOP.truth["rules"] for item in rule["antecedent"] + rule["consequent"]} | {"milk"}
    lines = log[log["type"] == "purchase"].explode("items")
    lines = lines.assign(item=lines["items"].map(lambda line: line["item"]))
    lines = lines[~lines["item"].isin(planted)]
    for segment in SHOP.truth["segments"]:
        assert len(segment["items"]) == 3
        inside = lines["segment"] == segment["name"]
        liked = {one["item"] for one in segment["items"]}
        times = lines["item"].isin(liked)[inside].mean() / lines["item"].isin(liked)[~inside].mean()
        assert times > max(2.0, segment["items"][0]["times"] / 2)


def test_rules_have_their_confidence_and_lift_while_they_are_in_force(log: pd.DataFrame) -> None:
    orders = log[log["type"] == "purchase"]
    baskets = orders["items"].map(lambda lines: {line["item"] for line in lines})
    for rule in SHOP.truth["rules"]:
        until = rule["until"] or SHOP.truth["end"]
        inside = (orders["time"] >= rule["from"]) & (orders["time"] < until)
        for one in [rule, *rule["follows"]]:
            x, y = set(one["antecedent"]), set(one["consequent"])
            has_x, has_y = baskets[inside].map(x.issubset), baskets[inside].map(y.issubset)
            share = (has_x & has_y).sum() / has_x.sum()
            assert share == pytest.approx(one["confidence"], abs=4 * (0.25 / has_x.sum()) ** 0.5)
            assert share / has_y.mean() == pytest.approx(one["lift"], rel=0.25)
        outside = baskets[~inside]
        if len(outside):
            x = outside.map(set(rule["antecedent"]).issubset)
            assert (x & outside.map(set(rule["consequent"]).issubset)).sum() / x.sum() < 0.1


def test_a_planted_rule_names_all_other_rules_between_its_items() -> None:
    for rule in SHOP.truth["rules"]:
        items = len(rule["antecedent"]) + len(rule["consequent"])
        assert len(rule["follows"]) == {2: 1, 3: 11}[items]


def test_each_planted_rule_is_clearly_above_the_default_levels() -> None:
    assert 8 <= len(SHOP.truth["rules"]) <= 12
    for rule in SHOP.truth["rules"]:
        assert rule["confidence"] >= 0.5
        assert rule["lift"] >= 4


def test_no_rule_comes_from_who_buys(log: pd.DataFrame) -> None:
    orders = log[log["type"] == "purchase"]
    baskets = orders["items"].map(lambda lines: {line["item"] for line in lines})
    of_whole_year = [rule for rule in SHOP.truth["rules"] if rule["until"] is None and rule["from"] < "2025-01-02"]
    for rule in of_whole_year:
        has = baskets.map(set(rule["antecedent"]).issubset).groupby(orders["segment"]).mean()
        assert has.max() < 2.5 * has.min()
