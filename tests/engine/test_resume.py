"""An engine made anew from the store goes on as one that never stopped."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from crm_online.events import models
from crm_online.settings import Settings
from crm_online.step import Entry, Topic
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings

SIZE = 150


@dataclass(frozen=True, repr=False)
class Whole:
    """A run that never stopped, and what it was made of."""

    log: list[models.Event]
    partitions: int
    digest: str
    entries: list[Entry]


@pytest.fixture(scope="module", params=[1, 2], ids=["1 partition", "2 partitions"])
def whole(request: pytest.FixtureRequest, redis: Store) -> Whole:
    random, log = Random(3), list[models.Event]()
    for event in shop.made(70, 70, seed=8):
        log.append(event)
        if random.random() < 0.01:
            log.append(shop.erase(f"customer {random.randrange(70):03}", event.time))
        if random.random() < 0.01:
            log.append(replaced(random.choice(log), event.time))
    run = Shop(redis, chosen(request.param))
    list(run.run(log, SIZE))
    assert any(entry.topic is Topic.RULES for entry in run.entries), "rules are to be told on the way too"
    run.end()
    digest = run.verified()["digest"]
    assert run.pipelines[0].engine.model_version > 1
    assert len({entry.topic for entry in run.entries}) == 4
    predictor = run.pipelines[0].engine.predicting.predictor
    assert predictor is not None
    assert predictor.purchase.version > 0, "labels are to be learned from"
    return Whole(log, request.param, digest, run.entries)


def replaced(event: models.Event, time: int) -> models.Event:
    """Return an event that comes again, late."""
    return event.model_copy(update={"time": max(event.time, time - 5)})


def chosen(partitions: int) -> Settings:
    return settings(
        partitions=partitions,
        min_customers=30,
        sample=64,
        visits=25,
        itemsets={"half_life": None, "min_support": 0.1},
        horizon=20 * shop.DAY,
    )


@trying(max_examples=6)
@given(cuts=st.sets(st.integers(0, 12), max_size=13))
def test_made_anew_after_any_steps_it_ends_in_the_identical_state(redis: Store, whole: Whole, cuts: set[int]) -> None:
    run = Shop(redis, chosen(whole.partitions))
    for number in run.run(whole.log, SIZE):
        if number in cuts:
            run.claim()
    if 12 in cuts:
        run.claim()
    run.end()
    assert run.verified()["digest"] == whole.digest
    assert run.entries == whole.entries


def test_made_anew_after_every_step_and_every_tick(redis: Store, whole: Whole) -> None:
    run = Shop(redis, chosen(whole.partitions))
    for _ in run.run(whole.log, SIZE):
        run.claim()
    owner, *others = range(len(run.pipelines))
    for number in [*others, owner]:
        run.group.tick(run.pipelines[number], LOG, end_of_log=True)
        run.claim()
    for number in range(len(run.pipelines)):
        while run.group.is_busy(run.pipelines[number]):
            run.tick(run.pipelines[number])
            run.claim()
    assert run.verified()["digest"] == whole.digest
    assert run.entries == whole.entries


def test_the_digest_tells_states_apart(redis: Store, whole: Whole) -> None:
    digests = {whole.digest}
    for log in (whole.log[:-1], [*whole.log[:-1], replace_name(whole.log[-1])]):
        digests.add(Shop(redis, chosen(whole.partitions)).all(log, SIZE).verified()["digest"])
    assert len(digests) == 3


def replace_name(event: models.Event) -> models.Event:
    return event.model_copy(update={"event_id": "another id"})
