"""Customers as the service reads them: those of the command line, never half a step, pages with everybody once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import pytest

from crm_online.answers.customers import Customer, Explanation
from crm_online.customers.records import NO_SEGMENT
from crm_online.digits import digits
from crm_online.engine.changes import Reason
from crm_online.engine.peers import add_up
from crm_online.errors import InputError, StateMissing, StoreUnavailable, UnknownCustomer
from crm_online.events import models
from crm_online.events.columns import partition_of
from crm_online.events.times import to_short_iso
from crm_online.live.customers.lookups import CustomerLookups
from crm_online.live.customers.member_scan import MemberScan, MemberSelection
from crm_online.lookup import Lookup
from crm_online.lookup.customer_batch import CustomerBatch
from crm_online.lookup.customer_json import customer_json
from crm_online.lookup.customer_reader import CustomerReader, StoredCustomers
from crm_online.lookup.partition import PartitionView
from crm_online.segments.vectors import RESOLUTION
from crm_online.settings.conflict import from_stored
from crm_online.store import Store, open_store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings
from tests.live.feeding import TIMES, Hub
from tests.servers.embedded import emptied

_T = TypeVar("_T")
PARTITIONS = (1, 3)


@pytest.fixture(scope="module", params=PARTITIONS)
def at_rest(redis: Store, request: pytest.FixtureRequest) -> Shop:
    """Return a shop at the end of its log."""
    return Shop(redis, settings(min_customers=100, partitions=request.param)).all(log())


def log() -> list[models.Event]:
    """Return a log of which every customer is known."""
    return [event for event in shop.made(120, 100, seed=2) if event.customer_id is not None]


def customers(events: Sequence[models.Event]) -> list[str]:
    """Return the customers of a log, each once."""
    return [*dict.fromkeys(str(event.customer_id) for event in events)]


@asynccontextmanager
async def reading(store: Store) -> AsyncIterator[tuple[CustomerLookups, Hub]]:
    """Run a reader, and the hub of changes."""
    hub = Hub(store, TIMES)
    reader = CustomerLookups(store, hub)
    await hub.start()
    try:
        yield reader, hub
    finally:
        await reader.stop()
        await hub.stop()


def read(store: Store, ask: Callable[[CustomerLookups, Hub], Awaitable[_T]]) -> _T:
    """Ask a reader of its own."""

    async def asked() -> _T:
        async with reading(store) as (reader, hub):
            return await ask(reader, hub)

    return asyncio.run(asked())


def all_of(store: Store, names: Sequence[str]) -> dict[str, Any]:
    """Return customers as a reader has them."""

    async def ask(reader: CustomerLookups, _: Hub) -> dict[str, Any]:
        return {name: json.loads(body) for name, body in (await reader.several(names)).items()}

    return read(store, ask)


def as_looked_up(store: Store, names: Sequence[str]) -> dict[str, Any]:
    """Return customers as the command line has them."""
    lookup = Lookup(store)
    return {name: json.loads(json.dumps(lookup.customer(name))) for name in names}


def as_stored(store: Store) -> dict[str, Any]:
    """Return all customers, value by value from their records."""
    meta = store.meta()
    views = [PartitionView(store.partition(number), from_stored(meta.settings)) for number in range(meta.partitions)]
    as_of, model = max(view.state.watermark or 0 for view in views), views[0].model
    total, complete = add_up([view.sums for view in views if view.sums], model.version) if model else (None, False)
    centroids = None
    if model and total:
        centroids = model.current(total.centroids()) if complete else model.centres()
    found = {}
    for view in views:
        for names, _, records in view.batches():
            features, segments = view.reader.read(records, as_of), view.segment_ids(records, records.reported)
            for row, name in enumerate(names):
                far: dict[str, float] = {}
                if model and centroids is not None and records.scored_by(model.version)[row]:
                    squares = ((records.vectors[row].astype(float) - centroids) / RESOLUTION) ** 2
                    far = dict(zip(model.ids, np.sqrt(squares.sum(axis=1)).tolist(), strict=True))
                since, moves = int(records.since[row]), records.moves[row].tolist()
                found[name] = {
                    "customer_id": name,
                    "segment": segments[row],
                    "since": to_short_iso(since * 1000) if records.reported[row] != NO_SEGMENT else None,
                    "features": dict(zip(view.reader.features, map(digits, features[row].tolist()), strict=True)),
                    "distances": {segment: pytest.approx(value, rel=1e-5) for segment, value in far.items()},
                    "history": [
                        {
                            "time": to_short_iso(time * 1000),
                            "from": f"s{left}" if left else None,
                            "to": f"s{entered}" if entered else None,
                            "reason": Reason(reason).label,
                        }
                        for time, left, entered, reason in moves
                        if time
                    ],
                    "events": int(records.events[row]),
                    "last_event": to_short_iso(int(records.last_event[row])),
                    "totals": {
                        "purchases": int(records.purchases[row]),
                        "returns": int(records.returns[row]),
                        "spend": pytest.approx(float(records.spend[row]), rel=1e-12),
                        "items": pytest.approx(float(records.items[row]), rel=1e-12),
                        "first_event": to_short_iso(int(records.first_event[row])),
                        "last_purchase": to_short_iso(int(records.last_purchase[row]))
                        if records.purchases[row]
                        else None,
                        "gave_feedback": bool(records.sums[row, view.reader.sums.index("feedbacks")] > 0),
                    },
                }
    return found


def without_predictions(found: dict[str, Any]) -> dict[str, Any]:
    """Return answers without what models say, which is no figure of the record."""
    return {name: {key: value for key, value in one.items() if key != "predictions"} for name, one in found.items()}


def test_every_customer_is_as_stored_and_as_the_command_line_has_it(at_rest: Shop) -> None:
    names = customers(log())
    found = all_of(at_rest.store, [*names, "nobody"])
    assert without_predictions(found) == as_stored(at_rest.store)
    assert found == as_looked_up(at_rest.store, names)
    assert all(Customer.model_validate(one) for one in found.values())
    assert {one["segment"] for one in found.values()} >= {"s1", "s2"}


def test_before_the_first_model_and_while_customers_move_to_one_they_are_so_too(redis: Store) -> None:
    events = log()
    going = Shop(redis, settings(min_customers=100, partitions=3))
    seen = set[bool | None]()

    def compare() -> None:
        names = customers(events[: going.position])
        known = [
            name
            for name in names
            if any(pipeline.store.hash_get("customers", [name.encode()])[0] for pipeline in going.pipelines)
        ]
        stored = as_stored(redis)
        assert known == [name for name in names if name in stored]
        found = all_of(redis, known)
        assert without_predictions(found) == stored
        assert as_looked_up(redis, known[:20]) == {name: found[name] for name in known[:20]}
        lookup = Lookup(redis)
        seen.add(bool(lookup.segments()["complete"]) if lookup.segmented else None)

    for begin in range(0, len(events), 150):
        # Between partitions, the new model is that of the first only.
        going.step(events[begin : begin + 150], look=compare if begin % 450 == 0 else None)
        if seen >= {None, False, True}:
            break
    assert None in seen
    assert seen >= {None, False, True}, seen


def test_a_customer_of_two_partitions_is_read_from_the_first_with_the_number_of_the_other(redis: Store) -> None:
    Shop(redis, settings(min_customers=100, partitions=3)).all(log())
    names = customers(log())[:20]
    before = all_of(redis, names)
    (twice,) = [name for name in names if redis.partition(0).hash_get("customers", [name.encode()])[0]][:1]
    (record,) = redis.partition(0).hash_get("customers", [twice.encode()])
    redis._client.call("HSET", "{crm:2}:customers", twice.encode(), record or b"")
    assert all_of(redis, names) == before | {twice: before[twice] | {"also_in_partitions": [2]}}
    assert Lookup(redis).customer(twice)["also_in_partitions"] == [2]


def test_numbers_that_are_not_finite_are_null(redis: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Shop(redis, settings(min_customers=100)).all(log())
    batch = CustomerReader(redis).read(customers(log())[:3]).batch()
    names = list(batch.context.reader.features)
    monkeypatch.setattr(CustomerBatch, "features", lambda _: np.full((3, len(names)), np.inf))
    found = [json.loads(body)["features"] for body in customer_json(batch).values()]
    assert found == [dict.fromkeys(names)] * 3


def test_who_is_not_known_and_where_there_is_no_state_are_errors(redis: Store) -> None:
    Shop(redis, settings())

    async def one(reader: CustomerLookups, _: Hub) -> bytes:
        return await reader.one("nobody")

    async def explained(reader: CustomerLookups, _: Hub) -> object:
        return await reader.explained("nobody")

    for ask in (one, explained):
        with pytest.raises(UnknownCustomer):
            read(redis, ask)
    emptied(redis)
    for ask in (one, explained):
        with pytest.raises(StateMissing):
            read(redis, ask)
    with pytest.raises(StateMissing):
        MemberScan(redis)


def test_whoever_waits_when_the_reader_stops_gets_an_error_and_so_does_who_comes_after(redis: Store) -> None:
    async def ask() -> Sequence[bytes | BaseException]:
        begun, go_on = threading.Event(), threading.Event()

        class Held(CustomerLookups):
            def _stored(self, names: Sequence[str]) -> StoredCustomers:
                begun.set()
                go_on.wait()
                return super()._stored(names)

        reader = Held(redis, Hub(redis, TIMES))
        at_hand = asyncio.create_task(reader.one("a"))
        await asyncio.to_thread(begun.wait)
        waiting = asyncio.create_task(reader.one("b"))
        await asyncio.sleep(0)
        stopping = asyncio.create_task(reader.stop())
        done, _ = await asyncio.wait([at_hand, waiting], timeout=60)
        go_on.set()
        await stopping
        assert done == {at_hand, waiting}, "somebody waits for ever"
        return await asyncio.gather(at_hand, waiting, reader.one("c"), return_exceptions=True)

    Shop(redis, settings())
    for answer in asyncio.run(ask()):
        assert isinstance(answer, StoreUnavailable)
        assert "being stopped" in str(answer)


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_customers_of_one_partition_are_all_as_of_the_same_commit(redis: Store, partitions: int) -> None:
    events, size = log()[:3000], 30
    names = customers(events)
    going = Shop(redis, settings(min_customers=10_000, partitions=partitions))
    home = dict(zip(names, homes(events, names, partitions), strict=True))
    steps = [events[begin : begin + size] for begin in range(0, len(events), size)]
    # How many events of each partition's customers there are after each commit of it.
    ends = [
        {0, *accumulate(sum(home[str(one.customer_id)] == partition for one in step) for step in steps)}
        for partition in range(partitions)
    ]

    def write() -> None:
        for step in steps:
            going.step(step)

    async def ask(reader: CustomerLookups, _: Hub) -> int:
        counted = Counter[int]()
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            different, ended = set[tuple[int, ...]](), False
            while not ended:
                ended = writing.done()
                counted = Counter[int]()
                for name, body in (await reader.several(names)).items():
                    counted[home[name]] += json.loads(body)["events"]
                for partition in range(partitions):
                    assert counted[partition] in ends[partition], "half a step"
                different.add(tuple(counted[partition] for partition in range(partitions)))
            writing.result()
        assert sum(counted.values()) == len(events)
        return len(different)

    # A connection of its own, as another process has it.
    with open_store(redis.url or "") as other:
        assert read(other, ask) > 3, "nothing was read while steps were committed"


def homes(events: Sequence[models.Event], names: Sequence[str], partitions: int) -> list[int]:
    """Return the partition of each customer."""
    if partitions == 1:
        return [0] * len(names)
    where = partition_of(shop.columns(events), partitions)
    of = {str(event.customer_id): int(at) for event, at in zip(events, np.asarray(where).tolist(), strict=True)}
    return [of[name] for name in names]


def members(store: Store, segment: str, limit: int) -> Iterator[list[dict[str, str]]]:
    """Yield the pages of a segment's customers."""
    after = None
    while True:
        page = MemberScan(store).page(segment, after, limit)
        yield page.customers
        if page.next is None:
            return
        after = page.next


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_of_a_segment_have_each_of_its_customers_once(at_rest: Shop, limit: int) -> None:
    known = as_looked_up(at_rest.store, customers(log()))
    segments = {one["segment"] for one in known.values()} - {None}
    assert len(segments) > 1
    for segment in segments:
        pages = [*members(at_rest.store, segment, limit)]
        found = [(one["customer_id"], one["since"]) for page in pages for one in page]
        assert len(found) == len({*found})
        assert {*found} == {(name, one["since"]) for name, one in known.items() if one["segment"] == segment}
        # A hash of few customers is one piece to Redis, which gives no less.
        assert max(map(len, pages)) <= max(limit, 128)
    assert [*members(at_rest.store, "s999", limit)][-1] == []


def test_customers_of_a_segment_come_by_a_sort_and_only_those_that_match(at_rest: Shop) -> None:
    known = as_looked_up(at_rest.store, customers(log()))
    segment = next(one["segment"] for one in known.values() if one["segment"])
    totals = {name: one["totals"] for name, one in known.items() if one["segment"] == segment}
    scan = MemberScan(at_rest.store)
    found = scan.sorted(segment, MemberSelection("spend"), 1000)
    assert found.complete
    assert [one["customer_id"] for one in found.customers] == sorted(
        totals, key=lambda name: (-totals[name]["spend"], name)
    )
    last = [one["last_purchase"] for one in scan.sorted(segment, MemberSelection("last_purchase", False), 3).customers]
    assert last == sorted(one["last_purchase"] for one in totals.values())[:3]
    middle = sorted(one["last_purchase"] for one in totals.values())[len(totals) // 2]
    when = round(datetime.fromisoformat(middle).timestamp() * 1000)
    spent = sorted(one["spend"] for one in totals.values())[len(totals) // 2]
    for query, matching in (
        (MemberSelection(min_spend=spent), {name for name, one in totals.items() if one["spend"] >= spent}),
        (MemberSelection(bought_since=when), {name for name, one in totals.items() if one["last_purchase"] >= middle}),
        (MemberSelection(bought_before=when), {name for name, one in totals.items() if one["last_purchase"] < middle}),
    ):
        assert {one["customer_id"] for one in scan.sorted(segment, query, 1000).customers} == matching


@pytest.mark.parametrize(
    "after",
    [
        "",
        "x",
        "0",
        ".",
        "0.",
        ".0",
        "0.x",
        "-1.0",
        "0.-1",
        "3.0",
        "99999.0",
        "0.18446744073709551616",
        "\u0660.\u0660",
        "0.0\n",
    ],
)
def test_a_cursor_that_is_not_the_next_of_a_page_is_refused(at_rest: Shop, after: str) -> None:
    with pytest.raises(InputError, match="begin again without it"):
        MemberScan(at_rest.store).page("s1", after, 10)


def test_an_explanation_agrees_with_the_change_of_the_move(at_rest: Shop) -> None:
    last = {change["customer_id"]: change for change in at_rest.moves()}  # the last of each
    by_event = [change for change in last.values() if change["reason"] == "event"]
    assert by_event

    async def ask(reader: CustomerLookups, hub: Hub) -> list[dict[str, object]]:
        await hub.begun()
        return [await reader.explained(change["customer_id"]) for change in last.values()]

    looked_up = as_looked_up(at_rest.store, [*last])
    for change, found in zip(last.values(), read(at_rest.store, ask), strict=True):
        why = Explanation.model_validate(found)
        cause = json.loads(json.dumps(found))["causes"][0]
        for name in ("change_id", "time", "from", "to", "reason"):
            assert cause[name] == change[name], name
        assert why.segment == change["to"] == looked_up[change["customer_id"]]["segment"]
        if change["reason"] == "event":
            assert cause["event_id"] == change["cause"]["event_id"]
            assert cause["event_id"] in why.text
        for one in why.causes:
            if one.change_id is None or one.to is None:
                continue
            apart = one.distances[str(one.against)] ** 2 - one.distances[one.to] ** 2
            assert sum(pull.pull for pull in one.pulls) == pytest.approx(apart, rel=1e-3)
            assert apart > 0, one
            assert one.to_name
        if change["to"] is None:
            continue
        assert str(why.causes[0].to_name) in why.text
        pulls = {pull.feature: pull for pull in why.pulls}
        assert {name: pull.value for name, pull in pulls.items()} == change["features"]
        strengths = [abs(pull.pull) for pull in why.pulls]
        assert strengths == sorted(strengths, reverse=True)
        if change["reason"] == "event":
            assert change["from"] in (None, why.against)
            for pull in why.pulls:
                # Where the customer is beyond one of the two, there is no doubt, whatever the scale.
                side = 1 if pull.entered >= pull.left else -1
                if (pull.value - pull.entered) * side >= 0:
                    assert pull.pull >= 0, pull
                elif (pull.value - pull.left) * side <= 0:
                    assert pull.pull <= 0, pull
