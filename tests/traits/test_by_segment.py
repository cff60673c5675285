"""What the customers of each segment need and say: equal to a recount, right after erasures, quiet on few."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

import numpy as np
import pytest

from crm_online.customers.traits import Traits
from crm_online.events import models
from crm_online.pipeline import load
from crm_online.store import Store
from crm_online.traits.by_segment import SMALL, traits_of
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

DAY = shop.DAY


def told(seed: int = 5) -> list[models.Event]:
    """Return a log in which the big spenders are from Ulm, complain of delays, are unhappy, and buy wine."""
    random, log = Random(seed), shop.made(200, 60, seed)
    for number in range(200):
        name, big = f"customer {number:03}", number % 4 == 1
        time = shop.START + random.randrange(60) * DAY
        town = "Ulm" if big and random.random() < 0.9 else random.choice(["Bonn", "Kiel", "Jena"])
        log.append(shop.profile(name, time, town=town, age=random.gauss(60 if big else 35, 5), code=f"only {number}"))
        log.append(shop.contact(name, time, "late" if big else random.choice(["size", "price"])))
        log.append(shop.feedback(name, time, 0.1 if big else 0.8))
        for _ in range(3):
            log.append(shop.order(name, time, ("wine" if big else f"item {random.randrange(30)}", 1.0, 90.0)))
    return sorted(log, key=lambda event: event.time)


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    return told()


@pytest.mark.parametrize("partitions", [1, 4])
def test_what_was_planted_is_told_and_the_shares_equal_a_recount(
    redis: Store, log: list[models.Event], partitions: int
) -> None:
    run = Shop(redis, settings(partitions=partitions)).all(log)
    run.verified()
    found = run.lookup.segments()
    frame = run.lookup.customers_frame()
    segment_of: dict[str, str] = dict(zip(frame["customer_id"].tolist(), frame["nearest"].tolist(), strict=True))
    town, lines, reasons, scores = _recount(log)
    segments: list[dict[str, Any]] = found["segments"]  # type: ignore[assignment]
    assert sum(segment["description"]["traits"]["customers"] for segment in segments) == len(segment_of)
    shown = 0
    for segment in segments:
        here = [name for name, one in segment_of.items() if one == segment["id"]]
        traits = segment["description"]["traits"]
        for one in traits["attributes"]:
            if one["name"] == "town" and "share" in one and "bound" not in one:
                share = sum(town[name] == one["value"] for name in here) / len(here)
                assert one["share"] == pytest.approx(share, rel=1e-3)
                shown += 1
        for one in traits["items"]:
            if "share" in one:
                count = sum(lines[name][one["value"]] for name in here)
                assert one["share"] == pytest.approx(count / sum(lines[name].total() for name in here), rel=1e-3)
                shown += 1
        for one in traits["contact_reasons"]:
            if "share" in one:
                count = sum(reasons[name][one["value"]] for name in here)
                assert one["share"] == pytest.approx(count / sum(reasons[name].total() for name in here), rel=1e-3)
                shown += 1
        if traits["feedback"]:
            every = [score for name in here for score in scores[name]]
            assert traits["feedback"]["score"] == pytest.approx(sum(every) / len(every), rel=1e-3)
            shown += 1
    assert shown >= 8
    big = max(
        segments, key=lambda one: sum(town[name] == "Ulm" for name in segment_of if segment_of[name] == one["id"])
    )
    traits = big["description"]["traits"]
    values = {one.get("value") for kind in ("attributes", "contact_reasons", "items") for one in traits[kind]}
    assert {"Ulm", "late", "wine"} <= values
    assert {"age"} <= {one["name"] for one in traits["attributes"] if "value" not in one}


def test_what_fewer_than_ten_customers_have_is_not_told(redis: Store, log: list[models.Event]) -> None:
    found: Any = Shop(redis, settings()).all(log).lookup.segments()
    traits = [segment["description"]["traits"] for segment in found["segments"]]
    for kind in ("attributes", "contact_reasons", "items"):
        every = [one for each in traits for one in each[kind]]
        assert every, kind
        assert all(one.get("customers", SMALL) >= SMALL for one in every)
        assert not any("only" in str(one.get("value")) for one in every)


def test_where_few_have_a_value_or_have_not_the_share_is_a_bound() -> None:
    people = [Traits(attributes={"plan": "gold" if row < 47 or row == 60 else "free"}) for row in range(200)]
    labels = np.repeat([0, 1], [50, 150])
    first, second = traits_of(people, [{}] * 200, labels, 2)
    gold, free = first["attributes"]
    assert (gold["value"], gold["share"], gold["customers"], gold["bound"]) == ("gold", 0.8, 40, "at least")
    assert (free["value"], free["share"], free["customers"], free["bound"]) == ("free", 0.2, 10, "at most")
    assert [(one["value"], one["bound"]) for one in second["attributes"]] == [("free", "at least"), ("gold", "at most")]


def test_only_customers_of_the_sample_are_remembered(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings(sample=64, min_customers=20))
    for _ in run.run(log, 100):
        _, remembered, sample = _remembered(run)
        assert remembered <= sample
    run.verified()
    said, _, sample = _remembered(run)
    assert said == sample
    assert len(sample) == 64


def test_a_state_claimed_anew_at_any_step_remembers_the_same(redis: Store, log: list[models.Event]) -> None:
    whole = Shop(redis, settings()).all(log).lookup.verify()["digest"]
    run = Shop(redis, settings())
    for _ in run.run(log):
        run.claim()
    run.end()
    assert run.lookup.verify()["digest"] == whole


def _remembered(run: Shop) -> tuple[set[bytes], set[bytes], set[bytes]]:
    loaded = load(run.store.partition(0))
    traits, bought, sample = ({name for name, _ in pairs} for pairs in (loaded.traits, loaded.bought, loaded.sample))
    return traits, traits | bought, sample


def _recount(
    log: list[models.Event],
) -> tuple[dict[str, str], dict[str, Counter[str]], dict[str, Counter[str]], dict[str, list[float]]]:
    town: dict[str, str] = {}
    lines: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    scores: dict[str, list[float]] = defaultdict(list)
    for event in log:
        name = event.customer_id
        if name is None:
            continue
        if isinstance(event, models.Profile):
            town[name] = str(event.attributes["town"])
        elif isinstance(event, models.Contact) and event.reason:
            reasons[name][event.reason] += 1
        elif isinstance(event, models.Feedback):
            scores[name].append(event.score)
        elif isinstance(event, models.Purchase):
            lines[name].update(line.item for line in event.items if line.item)
    return town, lines, reasons, scores
