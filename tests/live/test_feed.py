"""Each feed has every change that matches once and in order, whoever reads slowly, comes again or goes."""

from __future__ import annotations

import asyncio
import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.ring import CHUNK
from crm_online.store import Store
from tests.engine import pipelines, shop
from tests.live.feeding import Log, hub, move, name, reject, rule, segment

FEW = 20_000
"""Bytes that hold about 15 changes."""


def test_the_changes_of_a_shop_come_as_they_are_kept_once_and_in_order(redis: Store) -> None:
    log = shop.made(80, 60, seed=4)
    run = pipelines.Shop(redis, pipelines.settings(partitions=2))

    async def read() -> None:
        async with hub(redis) as changes:
            every, few = [
                await changes.begun(matching=one) for one in (ChangeFilter(), ChangeFilter(frozenset({"rule"})))
            ]
            admin = await changes.begun(matching=ChangeFilter(ChangeFilter().kinds | {"reject"}))
            await asyncio.to_thread(run.all, log)
            for pipeline in run.pipelines:
                kept = pipeline.store.changes()
                mark = (0, kept[-1].sequence)
                expected = [json.loads(entry.value) for entry in kept]
                await admin.until(pipeline.partition, mark)
                received = [data for _, data in admin.events if data["change_id"].startswith(f"{pipeline.partition}-")]
                assert received == expected
            assert len(admin.events) > 100
            for reader, kinds in ((every, ChangeFilter().kinds), (few, {"rule"})):
                ids = [data["change_id"] for kind, data in admin.events if kind in kinds]
                while len(reader.events) < len(ids):
                    assert await reader.chunk()
                assert reader.ids == ids

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, FEW, 0], ids=["from the ring", "from both", "from Redis"])
def test_a_reader_that_resumes_at_any_cursor_gets_exactly_the_rest(redis: Store, most_bytes: int) -> None:
    log, random = Log(redis, partitions=2), Random(3)

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            first = await changes.begun()
            begin = first.last
            for _ in range(40):
                log.many(random.randrange(3), partition=random.randrange(2))
            ends = [(number, log.many(1, partition=number)[-1]) for number in range(2)]
            for number, mark in ends:
                await first.until(number, mark)
            assert sorted(first.ids) == sorted(id_ for ids in log.ids() for id_ in ids)
            for at, cursor in enumerate([begin, *first.cursors]):
                again = changes.reader(after=cursor)
                while len(again.events) < len(first.events) - at:
                    assert await again.chunk()
                # Two partitions have no order between them, so a cursor may be reached by another way.
                assert sorted(again.ids) == sorted(first.ids[at:])
                for number in range(2):
                    assert again.of(number) == [one for one in first.ids[at:] if one.startswith(f"{number}-")]
            sentinel = log.many(1)[-1]
            assert (await changes.reader(after=first.last).until(0, sentinel)) == [name(0, sentinel)]

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, 0], ids=["from the ring", "from Redis"])
def test_a_filter_lets_through_what_it_names_and_nothing_else(redis: Store, most_bytes: int) -> None:
    log = Log(redis)
    says = [
        move("c1", "bulk", "rare"), segment("rare"), rule(["tea"], ["jam"]), reject("no id"), move("c2", "rare", None),
        rule(["jam"], ["tea", "oil"]), segment("bulk"), move("c3", None, "lost"), reject("too late"),
        rule(["oil"], ["salt"]),
    ]  # fmt: skip

    def only(*, kinds: str = "", segments: str = "", items: str = "") -> ChangeFilter:
        return ChangeFilter(
            frozenset(kinds.split()) or ChangeFilter().kinds, frozenset(segments.split()), frozenset(items.split())
        )

    expected = {
        only(): [1, 2, 3, 5, 6, 7, 8, 10],
        only(kinds="segment-change"): [1, 5, 8],
        only(kinds="segment"): [2, 7],
        only(kinds="reject"): [4, 9],
        only(kinds="rule reject"): [3, 4, 6, 9, 10],
        only(segments="rare"): [1, 2, 5],
        only(segments="bulk lost"): [1, 7, 8],
        only(items="oil"): [6, 10],
        only(items="jam"): [3, 6],
        only(segments="lost", items="tea"): [3, 6, 8],
        only(kinds="segment", segments="rare"): [2],
        only(kinds="rule", segments="rare"): [],
        only(segments="nobody"): [],
        only(segments="oil", items="rare"): [],
    }

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            before = [await changes.begun(matching=one) for one in expected]
            log.commit(*says)
            await changes.knows(0, (0, 10))
            after = [changes.reader("0-0-0", one) for one in expected]
            for readers in (before, after):
                for reader, (one, numbers) in zip(readers, expected.items(), strict=True):
                    while len(reader.events) < len(numbers):
                        assert await reader.chunk()
                    assert reader.ids == [f"0-0-{number}" for number in numbers], one

    asyncio.run(read())


def test_a_slow_reader_holds_nobody_up_and_needs_no_memory(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=100_000) as changes:
            slow, fast = await changes.begun(), await changes.begun()
            for number in range(1, 31):
                log.many(100)
                await fast.until(0, (0, 100 * number))
            assert changes.shared.ring.end - changes.shared.ring.begin < 100
            assert slow.events == []
            assert await slow.until(0, (0, 3000)) == fast.ids == log.ids()[0]
            assert max(slow.largest, fast.largest) < 2 * CHUNK + 2000

    asyncio.run(read())


@pytest.mark.parametrize("before", [0, 999, 1000, 2500])
def test_a_step_of_more_changes_than_are_read_at_once_comes_whole(redis: Store, before: int) -> None:
    log = Log(redis)
    log.many(before)

    async def read() -> None:
        async with hub(redis) as changes:
            reader, few = await changes.begun(), await changes.begun(matching=ChangeFilter(frozenset({"rule"})))
            log.commit(*(move(f"c{number}") for number in range(4999)), rule(["tea"], ["jam"]))
            await changes.knows(0, (0, before + 5000))
            assert await few.until(0, (0, before + 5000)) == [f"0-0-{before + 5000}"]
            ids = await reader.until(0, (0, before + 5000))
            assert ids == [f"0-0-{number}" for number in range(before + 1, before + 5001)]

    asyncio.run(read())


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 1), st.integers(1, 40)),
        st.tuples(st.just("read"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("again"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("look"), st.integers(0, 1), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(OPERATIONS, st.sampled_from([0, FEW, 64_000_000]))
def test_whatever_happens_in_whatever_order_each_reader_gets_each_change_once(
    redis: Store, operations: list[tuple[str, int, int]], most_bytes: int
) -> None:
    log = Log(redis, partitions=2)
    committed = [0, 0]

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            readers = [await changes.begun() for _ in range(3)]
            for operation, which, count in operations:
                if operation == "commit":
                    committed[which] = log.many(count, partition=which)[-1][1]
                elif operation == "look" and committed[which]:
                    await changes.knows(which, (0, committed[which]))
                elif operation == "again":
                    reader = readers[which]
                    changes.unsubscribe(reader.feed)
                    reader.feed = changes.reader(reader.last).feed
                elif operation == "read":
                    for _ in range(count):
                        if len(readers[which].events) < sum(committed):
                            assert await readers[which].chunk()
            for partition in range(2):
                committed[partition] = log.many(1, partition=partition)[-1][1]
            for reader in readers:
                while len(reader.events) < sum(committed):
                    assert await reader.chunk()
                assert [reader.of(0), reader.of(1)] == log.ids()

    asyncio.run(read())
