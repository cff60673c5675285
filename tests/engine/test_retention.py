"""Who was idle for longer than `privacy.retention` leaves as by an erasure: by event time, a block a step."""

from __future__ import annotations

import json

import pytest

from crm_online.errors import UnknownCustomer
from crm_online.events import models
from crm_online.events.rejects import RejectedRow
from crm_online.settings import Settings
from crm_online.settings.privacy import PrivacySettings
from crm_online.step import Topic
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.engine.test_erase import nowhere

DAY = shop.DAY
LONGEST = 32 * DAY


def keeping(*, min_customers: int = 40, partitions: int = 1, visits: int = 2000) -> Settings:
    found = settings(min_customers=min_customers, partitions=partitions, visits=visits)
    return found.model_copy(update={"privacy": PrivacySettings(retention=LONGEST)})


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    """Return a shop in which every third customer stops after a month."""
    events = shop.made(80, 100, seed=4)
    return [event for event in events if not _stopped(event.customer_id) or event.time < shop.START + 30 * DAY]


def _stopped(name: str | None) -> bool:
    return name is not None and int(name[-3:]) % 3 == 0


def last_seen(log: list[models.Event]) -> dict[str, int]:
    seen: dict[str, int] = {}
    for event in log:
        if event.customer_id is not None:
            seen[event.customer_id] = max(event.time, seen.get(event.customer_id, 0))
    return seen


@pytest.mark.parametrize(("min_customers", "partitions"), [(40, 2), (1000, 1)])
def test_who_was_idle_for_too_long_is_nowhere_and_nobody_else_is_gone(
    redis: Store, log: list[models.Event], min_customers: int, partitions: int
) -> None:
    run = Shop(redis, keeping(min_customers=min_customers, partitions=partitions))
    names = sorted({event.customer_id for event in log if event.customer_id is not None})
    run.step(log[:1], [RejectedRow("no such type", "type", f"a:{one}", one, row) for row, one in enumerate(names)])
    run.all(log[1:])
    now, seen = run.watermark or 0, last_seen(log)
    gone = {name for name, last in seen.items() if last < now - LONGEST - LONGEST // 32}
    kept = {name for name, last in seen.items() if last >= now - LONGEST}
    assert len(gone) > 20
    there = {name for view in run.views for names, _, _ in view.batches() for name in names}
    assert kept <= there <= seen.keys() - gone
    rejects = {
        json.loads(change.value).get("raw")
        for pipeline in run.pipelines
        for change in pipeline.store.changes()
        if change.topic is Topic.REJECTS
    }
    assert kept & rejects
    assert not gone & rejects
    for name in sorted(gone)[:5]:
        nowhere(run, name)
        with pytest.raises(UnknownCustomer):
            run.lookup.customer(name)
    assert sum(state.accepted for state in run.lookup.states) == len(log), "an erasure that no event asked for"
    run.verified()
    moves = [json.loads(entry.value) for entry in run.entries if entry.topic is Topic.SEGMENT_CHANGES]
    assert {move["to"] for move in moves if move["customer_id"] in gone and move["reason"] == "erase"} <= {None}


def test_what_came_before_brings_nobody_back_and_what_comes_after_does(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, keeping()).all(log)
    now = run.watermark or 0
    first, second, *_ = sorted(name for name, last in last_seen(log).items() if last < now - 2 * LONGEST)
    run.step([shop.view(first, shop.START + 40 * DAY, name="late"), shop.view(second, now + DAY, name="new")])
    with pytest.raises(UnknownCustomer):
        run.lookup.customer(first)
    assert run.lookup.customer(second)["events"] == 1


def test_however_few_are_looked_at_in_a_step_and_wherever_it_is_taken_up_the_same_is_left(
    redis: Store, log: list[models.Event]
) -> None:
    left = []
    for again in (False, True):
        run = Shop(redis, keeping(visits=7))
        for place in run.run(log):
            if again and place % 3 == 0:
                run.claim()
        run.end()
        left.append((run.verified(), [entry.value for entry in run.entries]))
    assert left[0] == left[1]


def test_who_comes_back_at_the_last_moment_stays(redis: Store) -> None:
    run = Shop(redis, keeping())
    run.step([shop.view("ann", shop.START), shop.view("bob", shop.START), shop.view("cat", shop.START)])
    run.step([shop.view("bob", shop.START + LONGEST + 2 * DAY)])
    assert run.pipelines[0].engine.state.retention.expired == ["ann", "cat"]
    run.step([shop.view("ann", shop.START + LONGEST + 2 * DAY, name="back")])
    assert [run.record(name) is not None for name in ("ann", "bob", "cat")] == [True, True, False]
    assert run.lookup.customer("ann")["events"] == 2


@pytest.mark.parametrize("meanwhile", [None, 2 * LONGEST])
def test_who_was_found_before_the_setting_changed_is_not_erased_for_it(redis: Store, meanwhile: int | None) -> None:
    run = Shop(redis, keeping())
    run.step([shop.view("ann", shop.START), shop.view("bob", shop.START), shop.view("cat", shop.START)])
    run.step([shop.view("bob", shop.START + LONGEST + 2 * DAY)])
    assert run.pipelines[0].engine.state.retention.expired == ["ann", "cat"]
    run.settings = run.settings.model_copy(update={"privacy": PrivacySettings(retention=meanwhile)})
    run.claim()
    run.step([shop.view("ann", shop.START + LONGEST + 3 * DAY, name="back")])
    assert run.record("cat") is not None
    run.settings = keeping()
    run.claim()
    run.step([shop.view("bob", shop.START + LONGEST + 4 * DAY, name="again")])
    run.end()
    assert [run.record(name) is not None for name in ("ann", "bob", "cat")] == [True, True, False]


def test_without_the_setting_nothing_is_read_for_it(redis: Store) -> None:
    run = Shop(redis, settings())
    run.step([shop.view("ann", shop.START)])
    run.step([shop.view("bob", shop.START + 4000 * DAY)])
    assert run.pipelines[0].engine.state.retention.pass_begin is None
    assert run.record("ann") is not None
