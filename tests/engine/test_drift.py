"""What is bought becomes another in the whole log: a drift is published, and a better model looked for."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from crm_online.events import models
from crm_online.step import Entry, Topic
from crm_online.store import Store
from crm_online.values import Drift
from tests.engine import shop
from tests.engine.flows import Shop, settings

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
    assert run.flows[0].engine.state.fit.due
