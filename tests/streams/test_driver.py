"""What a log leads to, from topic to topic and without a broker: restarts, quiet time, commands, a state put back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.errors import UnknownCustomer
from crm_online.lookup import Lookup
from crm_online.settings import Settings, load_settings
from crm_online.step import ChangeId, Topic
from crm_online.store import Store, open_store
from streams.published import OutputRecord
from tests.kafka.oracle import milliseconds, recount
from tests.kafka.small_log import Events, iso, log
from tests.servers.embedded import emptied
from tests.streams.driver import TopologyDriver

PARTITIONS = 3
PUBLISHED = {Topic.SEGMENT_CHANGES, Topic.SEGMENTS, Topic.RULES, Topic.PREDICTIONS}
DAY = 86_400
SETTINGS: Settings = load_settings(
    None,
    [
        *("segments.k=3", "segments.min_customers=15", "rules.every=30", f"replay.partitions={PARTITIONS}"),
        *("itemsets.epsilon=0", "itemsets.half_life=none", "itemsets.min_support=0.15"),
    ],
    {},
).settings


@pytest.fixture(scope="module")
def shop() -> Events:
    """Return some 2,400 events of a shop."""
    return [event | {"time": iso(event["time"])} for event in log(60, 60, 5)]


@pytest.fixture(scope="module")
def larger_shop() -> Events:
    """Return some 4,800 events of a shop, twice as many customers: of 60 so few lapse that a seed may have none."""
    return [event | {"time": iso(event["time"])} for event in log(120, 60, 5)]


def begin(store: Store) -> TopologyDriver:
    """Return a driver on the store, emptied."""
    return driver_on(emptied(store))


def driver_on(store: Store, before: TopologyDriver | None = None) -> TopologyDriver:
    """Return a driver on a state; the topics are as one of before left them."""
    store.initialise(PARTITIONS, json.dumps(SETTINGS.shaping(), sort_keys=True), "kafka:driver", repeatable=True)
    return TopologyDriver(store, SETTINGS, *((before.log, before.outputs) if before else ()))


def send(driver: TopologyDriver, events: Sequence[Mapping[str, Any]]) -> None:
    for event in events:
        driver.send(event, event.get("customer_id") or event["basket_id"])


def feed(driver: TopologyDriver, events: Sequence[Mapping[str, Any]], step: int = 100) -> None:
    """Send events and take them through, some at a time, so that all partitions move on together."""
    for place in range(0, len(events), step):
        send(driver, events[place : place + step])
        driver.run()
    rest(driver)


def rest(driver: TopologyDriver) -> None:
    """Let the owner of the segments hear of what the others have counted."""
    for _ in range(2):
        driver.advance(60)


def by_partition(driver: TopologyDriver) -> dict[int, list[OutputRecord]]:
    """Return what was published, in order, by partition."""
    return {number: [o for o in driver.outputs if o.partition == number] for number in range(PARTITIONS)}


def last(driver: TopologyDriver, topic: Topic) -> dict[str, Any]:
    """Return the last value of each key that was published on a topic; tombstones are left out."""
    values = {(output.key or b"").decode(): output.value for output in driver.read(topic)}
    return {key: json.loads(value) for key, value in values.items() if value is not None}


def orderly(driver: TopologyDriver) -> None:
    """See that the changes of each partition are complete and in order, none twice; an epoch may begin anywhere."""
    for partition, outputs in by_partition(driver).items():
        before = ChangeId(partition, 0, 0)
        for change in (output.change for output in outputs):
            if change.epoch == before.epoch:
                assert change.sequence == before.sequence + 1
            else:
                assert change.epoch > before.epoch
                assert change.sequence <= before.sequence + 1
            before = change


def outputs_match_state(driver: TopologyDriver) -> None:
    """See that the state is what was published last, of each customer, segment and rule."""
    lookup = Lookup(driver.store)
    customers = lookup.customers_frame()
    held = {row.customer_id: row.segment for row in customers.itertuples() if isinstance(row.segment, str)}
    published = {name: value["to"] for name, value in last(driver, Topic.SEGMENT_CHANGES).items()}
    assert {name: segment for name, segment in published.items() if segment} == held
    owner = driver.store.partition(0)
    rules = {name.decode(): json.loads(raw) for name, raw in owner.hash_all("rules")}
    assert last(driver, Topic.RULES) == rules
    segments = {name.decode(): json.loads(raw) for name, raw in owner.hash_all("segments")}
    assert {name: (value["size"], value["model_version"]) for name, value in last(driver, Topic.SEGMENTS).items()} == {
        name: (value["size"], value["version"]) for name, value in segments.items()
    }
    verified = lookup.verify()
    assert verified["ok"], verified["differences"]


def test_a_log_is_published_in_order_and_as_the_state_is(redis: Store, shop: Events) -> None:
    driver = begin(redis)
    feed(driver, shop)
    orderly(driver)
    outputs_match_state(driver)
    assert {output.topic for output in driver.outputs} == PUBLISHED


# A worker ends after some record: at each cut, all but the last so many changes of each partition were published.
Cuts = list[tuple[int, int]]
CUTS: st.SearchStrategy[Cuts] = st.lists(st.tuples(st.integers(1, 150), st.integers(0, 20)), min_size=1, max_size=6)


@given(cuts=CUTS)
@settings(max_examples=8)
def test_a_restart_after_any_record_publishes_nothing_twice_and_loses_nothing(
    redis: Store, shop: Events, cuts: Cuts
) -> None:
    log = shop[:900]  # six models, and some changes of each kind

    def driven(*, restart: bool) -> dict[int, list[OutputRecord]]:
        driver, place = begin(redis), 0
        for count, unpublished in [*cuts, (len(log), 0)]:
            send(driver, log[place : place + count])
            place += count
            driver.run(step=100)
            if restart:
                forget(driver, unpublished)
                driver.restart()
        return by_partition(driver)

    found = driven(restart=True)
    assert found == driven(restart=False)
    assert sum(map(len, found.values())) > 20


def forget(driver: TopologyDriver, most: int) -> None:
    """Take the last changes off the topics, as if the worker had ended before it could publish them."""
    for number, outputs in by_partition(driver).items():
        waiting = len(driver.store.partition(number).outbox())
        lost = outputs[max(len(outputs) - min(most, waiting), 0) :]
        driver.outputs = [output for output in driver.outputs if output not in lost]


def test_customers_lapse_though_nothing_of_them_arrives(redis: Store, larger_shop: Events) -> None:
    driver = begin(redis)
    feed(driver, larger_shop)
    before, staying = len(driver.read(Topic.SEGMENT_CHANGES)), loyal(larger_shop)
    only_of(driver, staying, larger_shop, days=120)
    silent = [change for change in moves(driver)[before:] if change["customer_id"] not in staying]
    assert {"lapse"} <= {change["reason"] for change in silent} <= {"lapse", "refit"}
    assert len({change["time"][:10] for change in silent}) > 1, "they lapse all at once"
    orderly(driver)
    outputs_match_state(driver)


def test_where_nothing_arrives_customers_lapse_and_no_model_follows_them(redis: Store, larger_shop: Events) -> None:
    # Who lapses goes to those who are idle already, so these must be there: a shop that falls silent all at once has
    # nobody to lapse to, whatever the days, unless a model followed the idle and reported moves of its own.
    driver = begin(redis)
    feed(driver, larger_shop)
    only_of(driver, loyal(larger_shop), larger_shop, days=14)
    before, fits = len(driver.read(Topic.SEGMENT_CHANGES)), fit(driver)
    models = {value["model_version"] for value in last(driver, Topic.SEGMENTS).values()}
    for _ in range(60):
        driver.advance(2 * DAY)
    rest(driver)
    lapses = moves(driver)[before:]
    assert {change["reason"] for change in lapses} == {"lapse"}
    assert len({change["time"][:10] for change in lapses}) > 1, "they lapse all at once"
    assert {value["model_version"] for value in last(driver, Topic.SEGMENTS).values()} == models
    assert fit(driver) == fits
    orderly(driver)
    outputs_match_state(driver)


def loyal(shop: Events) -> list[str]:
    """Return every third customer."""
    return sorted({event["customer_id"] for event in shop if event.get("customer_id")})[::3]


def only_of(driver: TopologyDriver, customers: Sequence[str], shop: Events, days: int) -> None:
    """Let some days go by after a log, in which some customers buy every four days and nobody else does anything."""
    end = max(milliseconds(event["time"]) for event in shop) // 1000
    items = [{"item": "tea", "quantity": 3, "price": 20.0}]
    for day in range(2, days + 2, 4):
        time = iso(end + day * DAY)
        send(driver, [{"type": "purchase", "customer_id": one, "time": time, "items": items} for one in customers])
        driver.run()
        driver.advance(2 * DAY)
    rest(driver)


def moves(driver: TopologyDriver) -> list[dict[str, Any]]:
    """Return all changes of segments so far."""
    return [json.loads(output.value or b"") for output in driver.read(Topic.SEGMENT_CHANGES)]


def test_while_a_log_is_read_up_time_goes_on_by_its_events_only(redis: Store, shop: Events) -> None:
    driver = begin(redis)
    feed(driver, shop[:600])
    before = Lookup(redis).watermark
    send(driver, shop[600:])
    driver.restart()  # what waits was sent while nobody was there
    driver.advance(100 * DAY)
    assert Lookup(redis).watermark == before
    driver.run()
    assert Lookup(redis).watermark == milliseconds(shop[-1]["time"])
    driver.advance(100 * DAY)
    assert Lookup(redis).watermark == milliseconds(shop[-1]["time"]) + 100 * DAY * 1000


def test_a_tick_lets_time_go_on_in_every_partition(redis: Store, shop: Events) -> None:
    driver = begin(redis)
    feed(driver, shop)
    baskets = len(recount(shop, "2024-06-01").baskets)
    assert Lookup(redis).itemsets().baskets < baskets  # the last ones are still open
    driver.command({"command": "tick", "time": "2024-06-01T00:00:00Z"})
    driver.run()
    assert Lookup(redis).itemsets().baskets == baskets
    states = [json.loads(driver.store.partition(number).value("engine") or b"") for number in range(PARTITIONS)]
    assert [state["watermark"] for state in states] == [milliseconds("2024-06-01")] * PARTITIONS
    rest(driver)
    orderly(driver)
    outputs_match_state(driver)


def test_an_erased_customer_is_gone_and_that_is_published(redis: Store, shop: Events) -> None:
    driver = begin(redis)
    feed(driver, shop)
    before, published = Lookup(redis).customers, last(driver, Topic.SEGMENT_CHANGES)
    name = next(name for name, value in published.items() if value["to"])
    driver.command({"command": "erase", "customer_id": name})
    driver.run()
    rest(driver)
    lookup = Lookup(redis)
    assert lookup.customers == before - 1
    with pytest.raises(UnknownCustomer):
        lookup.customer(name)
    now = last(driver, Topic.SEGMENT_CHANGES)[name]
    assert (now["from"], now["to"], now["reason"]) == (published[name]["to"], None, "erase")
    orderly(driver)
    outputs_match_state(driver)


def test_a_refit_is_looked_for_when_it_is_asked_for(redis: Store, shop: Events) -> None:
    driver = begin(redis)
    feed(driver, shop)
    checked = fit(driver)["checked_at"]
    driver.advance(1)
    assert fit(driver)["checked_at"] == checked
    driver.command({"command": "refit"})
    driver.run()
    assert fit(driver)["checked_at"] > checked


@pytest.mark.parametrize("command", [{"command": "refit", "now": True}, {"command": "sing"}, {"command": "tick"}])
def test_a_command_that_is_none_is_a_reject(redis: Store, command: Mapping[str, object]) -> None:
    driver = begin(redis)
    driver.command(command)
    driver.run()
    (reject,) = driver.read(Topic.REJECTS)
    assert json.loads(json.loads(reject.value or b"")["raw"]) == command


@pytest.mark.parametrize("kept_at", [300, 1200])
def test_a_state_put_back_begins_an_epoch_and_in_the_end_consumers_know_what_it_holds(
    shop: Events, tmp_path: Path, kept_at: int
) -> None:
    with open_store(tmp_path / "state") as store:
        driver = driver_on(store)
        feed(driver, shop[:kept_at])
    shutil.copytree(tmp_path / "state", tmp_path / "kept")
    with open_store(tmp_path / "state") as store:
        driver = driver_on(store, driver)
        feed(driver, shop[kept_at:1800])
        known = {number: outputs[-1].change for number, outputs in by_partition(driver).items()}
    with open_store(tmp_path / "kept") as store:
        driver = driver_on(store, driver)
        driver.run(step=70)
        rest(driver)
        orderly(driver)
        outputs_match_state(driver)
        feed(driver, shop[1800:])
        orderly(driver)
        outputs_match_state(driver)
        assert {change.epoch for change in known.values()} == {0}
        assert {outputs[-1].change.epoch for outputs in by_partition(driver).values()} == {1}


def fit(driver: TopologyDriver) -> dict[str, Any]:
    """Return what the owner of the segments knows of its fits."""
    raw = driver.store.partition(0).value("engine")
    found: dict[str, Any] = json.loads(raw or b"{}")["fit"]
    return found
