"""Whoever is erased is gone from everything that is kept, and every figure is right without them."""

from __future__ import annotations

import json
from random import Random

import pytest

from crm_online.customers.traits import Traits
from crm_online.errors import UnknownCustomer
from crm_online.events import models
from crm_online.events.batch import Batch
from crm_online.events.columns import EventColumns, partition_of
from crm_online.events.rejects import RejectedRow
from crm_online.pipeline import load
from crm_online.segments.sample import Sample
from crm_online.step import Topic
from crm_online.store import Store
from crm_online.store.entries import is_blank
from tests.engine import shop
from tests.engine.pipelines import LOG, Shop, settings

DAY = shop.DAY
NAME = "customer 004"
"""Of the frequent buyers; no basket's id has it, as no id of a shop should."""


@pytest.fixture(scope="module")
def log() -> list[models.Event]:
    return shop.made(80, 100, seed=4)


def nowhere(run: Shop, name: str) -> None:
    """Look for an id in all that Redis holds, but for what waits to be published, and the change that says goodbye."""
    held = [key for key, content in run.contents().items() if name.encode() in content or name.encode() in key]
    assert all(key.endswith(b":outbox") or b":changes:" in key for key in held), held
    for pipeline in run.pipelines:
        kept = [change for change in pipeline.store.changes() if name.encode() in change.value or change.key == name]
        assert [json.loads(change.value)["cause"] for change in kept] == [{"type": "erase"}] * len(kept)


def test_an_erased_customer_is_in_no_key_any_more(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    run.step([shop.profile(NAME, run.watermark or 0), shop.contact(NAME, run.watermark or 0, "late")])
    before = run.pipelines[0].engine.state.customers
    held = {key.split(b":")[-1] for key, content in run.contents().items() if NAME.encode() in content}
    assert {b"customers", b"roster", b"sample", b"said", b"bought", b"pending-examples", b"labelled-examples"} <= held
    run.step([shop.erase(NAME, run.watermark or 0)])
    for pipeline in run.pipelines:
        pipeline.close()
    nowhere(run, NAME)
    assert sorted(key for key, content in run.contents().items() if NAME.encode() in content) == [
        *(b"{crm:0}:changes:predictions", b"{crm:0}:changes:segment-changes"),
    ]
    run.verified()
    assert run.pipelines[0].engine.state.customers == before - 1
    with pytest.raises(UnknownCustomer):
        run.lookup.customer(NAME)
    run.end()
    run.verified()
    nowhere(run, NAME)


def test_an_erasure_is_emitted_as_the_last_move_to_nowhere(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    was = run.lookup.customer(NAME)["segment"]
    run.step([shop.erase(NAME, run.watermark or 0)])
    emitted = [entry for entry in run.entries if entry.topic is Topic.SEGMENT_CHANGES and entry.key == NAME][-1]
    value = json.loads(emitted.value)
    assert emitted.tombstone
    assert (value["from"], value["to"], value["reason"], value["cause"]) == (was, None, "erase", {"type": "erase"})
    assert value["features"] == {}


def test_changes_that_are_kept_of_an_erased_customer_are_blank_and_all_others_stay(
    redis: Store, log: list[models.Event]
) -> None:
    run = Shop(redis, settings(partitions=2))
    list(run.run(log))
    before = {pipeline.partition: pipeline.store.changes() for pipeline in run.pipelines}
    hers = {entry.sequence for entries in before.values() for entry in entries if entry.key == NAME}
    assert hers
    run.step([shop.erase(NAME, run.watermark or 0)])
    for pipeline in run.pipelines:
        after = pipeline.store.changes()
        assert [entry.sequence for entry in after] == list(range(1, len(after) + 1)), "no number is missing"
        blanks = [entry for entry in after if is_blank(entry)]
        assert {entry.sequence for entry in blanks} == {e.sequence for e in before[pipeline.partition] if e.key == NAME}
        assert all(entry.value == b'{"change_id":"%d-0-%d"}' % (pipeline.partition, entry.sequence) for entry in blanks)
        assert [entry for entry in before[pipeline.partition] if entry.key != NAME] == [
            entry for entry in after[: len(before[pipeline.partition])] if not is_blank(entry)
        ]


def test_erasing_twice_leaves_the_change_that_says_goodbye(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    for _ in range(2):
        run.step([shop.erase(NAME, run.watermark or 0)])
    hers = [entry for entry in run.pipelines[0].store.changes() if entry.key == NAME]
    kept = [(entry.topic, json.loads(entry.value)["cause"]) for entry in hers]
    assert kept == [(topic, {"type": "erase"}) for topic in (Topic.SEGMENT_CHANGES, Topic.PREDICTIONS)]


def test_before_the_first_model_an_erasure_leaves_nothing_and_tells_nothing(redis: Store) -> None:
    run = Shop(redis, settings())
    run.step([shop.order(f"customer {n:03}", shop.START + n, ("tea", 1.0, 1.0)) for n in range(9)])
    run.step([shop.erase(NAME, shop.START + 10)])
    nowhere(run, NAME)
    assert not run.entries
    assert run.pipelines[0].engine.state.customers == 8
    run.verified()


def test_open_baskets_and_the_block_of_the_roster_under_way_are_cleared_too(redis: Store) -> None:
    run = Shop(redis, settings(visits=5))
    run.step([shop.order(f"customer {n:03}", shop.START + n, (f"i{n % 9}", 1.0, 1.0), basket="b") for n in range(45)])
    run.step([shop.view("customer 000", shop.START + 50)])  # the model is there, and the first customers have moved
    assert not run.pipelines[0].engine.state.migration_complete
    for name in (NAME, "customer 044"):
        run.step([shop.erase(name, shop.START + 60)])
        nowhere(run, name)
        run.verified()
    run.end()
    run.verified()
    assert run.pipelines[0].engine.state.customers == 43
    assert run.pipelines[0].engine.state.baskets == 45, "the baskets count still"


def test_who_comes_back_in_the_same_step_is_a_new_customer(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    now = run.watermark or 0
    run.step(
        [
            shop.order(NAME, now, ("tea", 1.0, 1.0)),
            shop.erase(NAME, now),
            shop.order(NAME, now, ("tea", 2.0, 7.0)),
            shop.view(NAME, now),
        ]
    )
    run.verified()
    frame = run.lookup.customers_frame().set_index("customer_id")
    assert [frame.at[NAME, name] for name in ("purchases", "spend", "events", "tenure")] == [1, 14.0, 2, 0.0]
    emitted = [move for move in run.moves() if move["customer_id"] == NAME][-2:]
    assert [(move["reason"], move["to"] is None) for move in emitted] == [("erase", True), ("event", False)]
    assert emitted[1]["from"] is None
    assert run.lookup.customer(NAME)["history"] == [
        {"time": emitted[1]["time"], "from": None, "to": emitted[1]["to"], "reason": "event"}
    ]
    run.end()
    run.verified()


def test_what_was_said_before_an_erasure_in_the_same_step_is_forgotten(redis: Store) -> None:
    run = Shop(redis, settings())
    now = shop.START
    run.step(
        [
            shop.profile(NAME, now, town="Ulm"),
            shop.order(NAME, now, ("wine", 1.0, 1.0)),
            shop.erase(NAME, now),
            shop.profile(NAME, now, age=40),
            shop.order("other", now, ("tea", 1.0, 1.0)),
            shop.erase("other", now),
            shop.order(NAME, now, ("jam", 1.0, 1.0)),
        ]
    )
    loaded = load(run.store.partition(0))
    assert [name for name, _ in loaded.traits] == [name for name, _ in loaded.bought] == [NAME.encode()]
    traits = Traits.decode(loaded.traits[0][1], loaded.bought[0][1])
    assert traits.attributes == {"age": 40.0}
    assert [loaded.items[item] for item in traits.bought] == [b"jam"]
    run.verified()


def test_when_the_last_customers_are_erased_the_replay_goes_on(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    names = run.lookup.customers_frame()["customer_id"].tolist()
    run.step([shop.erase(name, run.watermark or 0) for name in names])
    found = run.lookup.segments()
    assert (found["customers"], found["J"]) == (0, 0)
    run.step([shop.order(NAME, run.watermark or 0, ("tea", 1.0, 1.0))])
    run.end()
    run.verified()


def test_erasing_twice_or_somebody_unknown_changes_nothing_but_the_count(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    now, count = run.watermark or 0, run.pipelines[0].engine.state.customers
    run.step([shop.erase(NAME, now), shop.erase(NAME, now), shop.erase("nobody", now)])
    run.step([shop.erase(NAME, now), shop.order("nobody", now, ("tea", 1.0, 1.0)), shop.erase("nobody", now)])
    assert run.pipelines[0].engine.state.customers == count - 1
    assert sum(move["reason"] == "erase" for move in run.moves()) == 1
    nowhere(run, "nobody")
    run.verified()


def test_the_sample_stays_the_smallest_hashes_when_some_of_it_are_erased(redis: Store) -> None:
    """There are more customers than the sample holds: others must take the places that become free."""
    run = Shop(redis, settings(sample=64))
    names = [f"customer {n:03}" for n in range(120)]
    run.step([shop.order(name, shop.START, ("tea", 1.0, 1.0)) for name in names])
    sample = Sample(64)
    list(sample.offer(names))
    gone = sorted(sample.hashes)[:5]
    run.step([shop.erase(name, shop.START + 1) for name in gone])
    run.verified()
    run.step([shop.order(f"more {n}", shop.START + 2, ("tea", 1.0, 1.0)) for n in range(60)])
    run.verified()
    run.end()
    run.verified()


def test_many_erasures_among_other_events_leave_every_figure_right(redis: Store, log: list[models.Event]) -> None:
    random, mixed = Random(7), list[models.Event]()
    for event in log:
        mixed.append(event)
        if random.random() < 0.03:
            mixed.append(shop.erase(f"customer {random.randrange(80):03}", event.time))
    run = Shop(redis, settings(sample=64, min_customers=20, visits=9))
    erased = 0
    for _ in run.run(mixed, 70):
        run.verified()
        erased = sum(move["reason"] == "erase" for move in run.moves())
    run.end()
    run.verified()
    assert erased > 30


def test_an_erasure_beyond_the_watermark_begins_no_log_and_moves_no_time(redis: Store) -> None:
    run = Shop(redis, settings(partitions=2))
    for pipeline in run.pipelines:
        events = shop.columns([shop.erase(NAME, shop.START + 4000 * DAY)], 0)
        pipeline.run_step(Batch("log", 0, 1, events, watermark=shop.START))
        state = pipeline.engine.state
        assert (state.first_event, state.watermark, state.accepted) == (shop.START, shop.START, 1)


def test_what_happened_before_an_erasure_does_not_bring_the_customer_back_and_what_comes_after_does(
    redis: Store, log: list[models.Event]
) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    now = run.watermark or 0
    run.step([shop.erase(NAME, now + 1)])
    old = [event for event in log if getattr(event, "customer_id", None) == NAME]
    counts = run.pipelines[0].engine.state.customers, run.pipelines[0].engine.state.accepted
    assert len(old) > 3
    run.claim()  # a replay, a rebuild, or a late delivery, after a restart
    run.step(old)
    state = run.pipelines[0].engine.state
    assert (state.customers, state.accepted) == counts
    assert state.suppressed == len(old)
    nowhere(run, NAME)
    run.verified()
    run.step([shop.profile(NAME, now + 2)])
    assert run.pipelines[0].engine.state.customers == counts[0] + 1
    run.verified()


def test_rejects_that_name_an_erased_customer_lose_what_was_sent(redis: Store, log: list[models.Event]) -> None:
    run = Shop(redis, settings())
    list(run.run(log))
    about = [json.dumps({"customer_id": NAME, "note": "call her at home"}), json.dumps({"customer_id": f"{NAME}1"})]
    run.step([], [RejectedRow("no such type", "type", f"a:{number}", raw, number) for number, raw in enumerate(about)])
    run.step([shop.erase(NAME, run.watermark or 0)])
    kept = b"".join(change.value for change in run.pipelines[0].store.changes() if change.topic is Topic.REJECTS)
    assert b"call her" not in kept
    assert about[1].replace('"', '\\"').encode() in kept


@pytest.mark.parametrize("home", [0, 1])
def test_an_event_that_erases_blanks_rejects_of_every_partition_and_of_its_own_batch(
    redis: Store, log: list[models.Event], home: int
) -> None:
    run = Shop(redis, settings(partitions=2))
    list(run.run(log))
    frame = run.lookup.customers_frame()
    found = frame["customer_id"].to_numpy()
    at = partition_of(shop.columns([shop.erase(name, 0) for name in found]), 2)
    name = str(found[at == home][0])
    about = [json.dumps({"customer_id": one, "note": "call her at home"}) for one in (name, f"{name}1")]
    rejects = [RejectedRow("no such type", "type", f"a:{number}", raw, number) for number, raw in enumerate(about)]
    for number in (0, 1):  # a broken row comes to any partition
        pipeline = run.pipelines[number]
        begin = pipeline.position(LOG)
        pipeline.run_step(Batch(LOG, begin, begin, EventColumns.empty(), rejects, run.watermark))
    run.step([shop.erase(name, run.watermark or 0)], rejects)
    kept = [
        json.loads(change.value).get("raw")
        for pipeline in run.pipelines
        for change in pipeline.store.changes()
        if change.topic is Topic.REJECTS
    ]
    assert kept.count(about[1]) == 3
    assert about[0] not in kept
    run.verified()
