"""What is bought becomes another in the whole log: a drift is published, and a better model looked for."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
import pytest

from crm_online.decay import Decay
from crm_online.engine.changes import Changes
from crm_online.engine.drifting import Drifting
from crm_online.engine.loaded import Loaded
from crm_online.engine.read_plan import ReadPlan, ReadResult
from crm_online.engine.step_context import StepContext
from crm_online.events import models
from crm_online.events.columns import EventColumns
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.step import Entry, Topic
from crm_online.store import Store
from crm_online.values import Drift
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

DAYS, ORDERS, CHANGE = 100, 16, 75
BEFORE, AFTER = ("tea", "milk", "bread", "jam", "eggs", "rice"), ("tea", "milk", "bread", "figs", "kale", "soy")


def shifted(seed: int) -> list[models.Event]:
    """Return the orders of a shop with another assortment from one day on."""
    random, log = Random(seed), list[models.Event]()
    for day in range(DAYS):
        items = BEFORE if day < CHANGE else AFTER
        for number in range(ORDERS):
            time = shop.START + day * shop.DAY + number * shop.DAY // (2 * ORDERS)
            lines = [(item, 1.0, 2.0) for item in items if random.random() < 0.5] or [("salt", 1.0, 2.0)]
            log.append(shop.order(f"customer {random.randrange(60):03}", time, *lines))
    return log


def drifts(entries: list[Entry]) -> list[dict[str, Any]]:
    """Return the values of the drifts among some entries."""
    return [json.loads(entry.value) for entry in entries if entry.topic is Topic.DRIFT]


def test_another_assortment_is_a_drift_and_stays_the_same_through_new_claims(redis: Store) -> None:
    log, chosen = shifted(1), settings(partitions=2, min_customers=1000)
    run = Shop(redis, chosen)
    list(run.run(log, ORDERS))
    run.end()
    whole, digest = run.entries, run.verified()["digest"]
    value = drifts(whole)[0]
    drift = Drift.model_validate(value)
    changed = shop.START + CHANGE * shop.DAY
    assert drift.what == "baskets"
    assert changed < drift.time.timestamp() * 1000 < changed + 14 * shop.DAY
    assert abs(drift.since.timestamp() * 1000 - changed) < 4 * shop.DAY
    assert {item.item for item in drift.items} <= {*BEFORE, *AFTER} - {*BEFORE[:3]}
    assert value["before"] == value["items"][0]["before"]
    again, random = Shop(redis, chosen), Random(2)
    for _ in again.run(log, ORDERS):
        if random.random() < 0.2:
            again.claim()
    again.claim()
    again.end()
    assert (again.verified()["digest"], again.entries) == (digest, whole)


def test_a_drift_asks_for_a_better_model_with_the_next_step(redis: Store) -> None:
    run = Shop(redis, settings())
    for _ in run.run(shifted(3), ORDERS):
        if drifts(run.entries):
            break
    assert run.pipelines[0].engine.state.fit.due


def test_losses_of_predictions_are_tested_as_labels_become_known() -> None:
    rng, tests = np.random.default_rng(5), Drifting(Loaded())
    found = []
    for day in range(160):
        losses = rng.normal(0.4 if day < 100 else 0.7, 0.2, 40)
        step = StepContext(shop.START + day * shop.DAY, ReadPlan(), ReadResult(), (), Changes(0, 0, 0))
        step.observed.losses = {"purchase": (np.full(40, step.now), losses)}
        if tests.observe(step, EventColumns.empty(), None, ItemsetCounters(0, Decay(None), 2, 1).kept, []):
            found.append((day, json.loads(step.changes.entries[0].value)))
    ((day, value),) = found
    assert 100 < day < 110
    assert value["what"] == "loss:purchase"
    assert (value["before"], value["after"]) == (pytest.approx(0.4, abs=0.05), pytest.approx(0.7, abs=0.1))
