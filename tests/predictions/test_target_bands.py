"""Who crosses a band of a target of the user's own is a change, as of a purchase."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import NO_BAND
from crm_online.engine.divergence import Divergence
from crm_online.events import models
from crm_online.predictions.models import learner
from crm_online.predictions.reported import MOST_TARGETS, ReportedBands
from crm_online.step import Topic
from crm_online.store import Store
from crm_online.values import PredictionChange
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings

RENEWED = "renewed"
bands = st.integers(0, 255)


@given(st.dictionaries(st.integers(0, MOST_TARGETS), st.tuples(bands, bands, st.integers(0, 2**32 - 1))))
def test_each_target_has_its_own_place_in_a_record(kept: dict[int, tuple[int, int, int]]) -> None:
    codec = RecordCodec(0, 0)
    records = codec.blank(2)
    for place, (band, left, since) in kept.items():
        of_two = (np.array([band, NO_BAND], np.uint8), np.array([left, NO_BAND], np.uint8), np.array([since, 0]))
        ReportedBands(*of_two).write(records, place)
    records = codec.decode(codec.encode(records))
    for place in range(MOST_TARGETS + 1):
        found = ReportedBands.read(records, place)
        rows = list(zip(found.band.tolist(), found.left_band.tolist(), found.since.tolist(), strict=True))
        assert rows == [kept.get(place, (NO_BAND, NO_BAND, 0)), (NO_BAND, NO_BAND, 0)]
    assert records.target_bands[1] == b""


def outcomes(log: list[models.Event]) -> list[models.Event]:
    """Return a log in which the frequent buyers renew, and nobody else does."""
    names = [f"customer {number:03}" for number in range(60)]
    known = [
        shop.outcome(name, shop.START + day * shop.DAY, RENEWED, number % 4 == 0)
        for number, name in enumerate(names)
        for day in (20, 24, 28)
    ]
    return sorted([*log, *known], key=lambda event: event.time)


@pytest.fixture
def run(redis: Store, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(learner, "FEWEST", 5)
    chosen = settings(partitions=2, min_customers=30, sample=64, horizon=20 * shop.DAY)
    return Shop(redis, chosen).all(outcomes(shop.made(60, 50, seed=3)), 150)


def changes(run: Shop, target: str) -> dict[str, list[dict[str, Any]]]:
    """Return the changes of a target, by customer."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in run.entries:
        if entry.topic is Topic.PREDICTIONS:
            value = json.loads(entry.value)
            PredictionChange.model_validate(value)
            if value["target"] == target:
                found.setdefault(entry.key, []).append(value)
    return found


def test_who_crosses_a_band_of_an_own_target_is_a_change(run: Shop) -> None:
    found = changes(run, RENEWED)
    assert len(found) > 30
    for name, values in found.items():
        assert [value["from"] for value in values] == [None, *(value["to"] for value in values[:-1])]
        customer: dict[str, Any] = run.lookup.customer(name)
        assert customer["predictions"]["target_bands"] == {RENEWED: values[-1]["to"]}
    likely = {name for name, values in found.items() if values[-1]["to"] == "0.8-1"}
    assert likely
    assert {int(name.split()[-1]) % 4 for name in likely} == {0}
    assert any(value["reasons"] for values in found.values() for value in values)


def test_an_erased_customer_is_in_no_band_of_any_target(run: Shop) -> None:
    name = next(iter(changes(run, RENEWED)))
    last = {target: changes(run, target)[name][-1]["to"] for target in ("purchase", RENEWED)}
    run.step([shop.erase(name, run.watermark or 0)])
    gone = {target: changes(run, target)[name][-1] for target in last}
    assert {target: (one["from"], one["to"], one["cause"]) for target, one in gone.items()} == {
        target: (band, None, {"type": "erase"}) for target, band in last.items()
    }


def test_after_a_rewind_each_target_is_set_right_by_itself(run: Shop) -> None:
    name, values = next(iter(changes(run, RENEWED).items()))
    [pipeline] = [pipeline for pipeline in run.pipelines if pipeline.store.hash_get("customers", [name.encode()])[0]]
    held = changes(run, "purchase")[name][-1]["to"]
    step = pipeline.republish(LOG, Divergence(0, bands={name: {RENEWED: "0-0.1", "purchase": held}}))
    [again] = [json.loads(entry.value) for entry in step.entries if entry.topic is Topic.PREDICTIONS]
    assert (again["target"], again["from"], again["to"]) == (RENEWED, "0-0.1", values[-1]["to"])
