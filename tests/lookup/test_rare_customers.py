"""Planted customers with items, attributes and reasons that too few have are in nothing that is told of many."""

from __future__ import annotations

import json
from random import Random

import pytest

from crm_online.events import models
from crm_online.events.models import EVENT
from crm_online.lookup.aggregates import renewed
from crm_online.settings.model import PredictionSettings
from crm_online.simulate import simulate
from crm_online.step import Topic
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings

LEAST = 10
PLANTED = {"rare-nine": (0, LEAST - 1), "known-many": (LEAST, 3 * LEAST), "rare-one": (160, 1)}
"""Words, and of whom each is: from which place on of the most frequent buyers, and how many."""


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    """Return a simulated shop in which planted customers buy, say and are something that few others do."""
    events = [EVENT.validate_json(line) for line in simulate(customers=300, events=3600, seed=11).lines()]
    random = Random(11)
    bought = [str(event.customer_id) for event in events if isinstance(event, models.Purchase)]
    frequent = sorted(set(bought), key=lambda name: (-bought.count(name), name))
    planted: dict[str, str] = {}
    for word, (first, number) in PLANTED.items():
        planted |= dict.fromkeys(frequent[first : first + number], word)
    found = list[models.Event]()
    for event in events:
        found.append(event)
        name = event.customer_id or ""
        if isinstance(event, models.Purchase) and name in planted:
            word = planted[name]
            lines: list[shop.Line] = [(f"{word} item {number}", 1.0, 9.0) for number in range(3)]
            found.append(shop.order(name, event.time, *lines, ("bread", 1.0, 2.0), basket=event.basket_id))
            found.append(shop.profile(name, event.time, illness=f"{word} illness"))
            if word != "known-many" or random.random() < 0.1:
                found.append(shop.contact(name, event.time, f"{word} reason"))
    return found


def test_what_too_few_customers_buy_say_and_are_is_never_told_of_a_segment_nor_published(
    redis: Store, log: list[models.Event]
) -> None:
    usual = settings(min_customers=100, partitions=2, half_life=90 * shop.DAY)
    run = Shop(redis, usual.model_copy(update={"predictions": PredictionSettings(enabled=False)}))
    published, traits = list[str](), list[str]()
    for number in run.run(log, 150):
        if number % 3 == 0 or number == len(log) // 150:
            published.append(renewed(run.store, LEAST).aggregates.model_dump_json())
            lookup = run.lookup
            told = lookup.segments(), lookup.picture() if lookup.segmented else None, lookup.drifts(100)
            traits.append(json.dumps(told, default=str))
            topic = [entry.value.decode() for entry in run.entries if entry.topic is Topic.SEGMENTS]
            traits += topic
    assert len({*published}) > 3
    assert any("known-many" in text for text in traits), "what many have is told, or the test sees nothing"
    for text in (*published, *traits):
        assert "rare-" not in text
    names = {event.customer_id for event in log if event.customer_id}
    assert not [name for name in names for text in published if f'"{name}"' in text]
