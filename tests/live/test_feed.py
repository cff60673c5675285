"""Each feed tells every change that is wanted once and in order, whoever reads slowly, comes again or goes."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.ring import CHUNK
from crm_online.live.feeds.shared import Times
from crm_online.store import Store, open_store
from crm_online.store.entries import is_blank
from tests.engine import flows, shop
from tests.live.feeding import Log, hub, move, name, reject, rule, segment
from tests.servers.embedded import emptied
from tests.servers.redis_server import RedisServer

FEW = 20_000
"""Bytes that hold about 15 changes."""


def test_what_a_shop_tells_is_told_as_it_is_kept_once_and_in_order(redis: Store) -> None:
    log = shop.made(80, 60, seed=4)
    run = flows.Shop(redis, flows.settings(partitions=2))

    async def read() -> None:
        async with hub(redis) as changes:
            every, few = [
                await changes.begun(matching=wanted) for wanted in (ChangeFilter(), ChangeFilter(frozenset({"rule"})))
            ]
            admin = await changes.begun(
                matching=ChangeFilter(frozenset({"segment-change", "segment", "rule", "reject"}))
            )
            await asyncio.to_thread(run.all, log)
            for flow in run.flows:
                kept = flow.store.changes()
                mark = (0, kept[-1].sequence)
                expected = [json.loads(entry.value) for entry in kept]
                await admin.until(flow.partition, mark)
                told = [data for _, data in admin.events if data["change_id"].startswith(f"{flow.partition}-")]
                assert told == expected
            assert len(admin.events) > 100
            for reader, kinds in ((every, {"segment-change", "segment", "rule"}), (few, {"rule"})):
                ids = [data["change_id"] for kind, data in admin.events if kind in kinds]
                while len(reader.events) < len(ids):
                    assert await reader.chunk()
                assert reader.ids == ids

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, FEW, 0], ids=["from the ring", "from both", "from Redis"])
def test_a_reader_that_comes_again_at_any_place_is_told_exactly_the_rest(redis: Store, most_bytes: int) -> None:
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
            for at, place in enumerate([begin, *first.cursors]):
                again = changes.reader(after=place)
                while len(again.events) < len(first.events) - at:
                    assert await again.chunk()
                # Two partitions have no order between them, so a place may be reached by another way.
                assert sorted(again.ids) == sorted(first.ids[at:])
                for number in range(2):
                    assert again.of(number) == [one for one in first.ids[at:] if one.startswith(f"{number}-")]
            sentinel = log.many(1)[-1]
            assert (await changes.reader(after=first.last).until(0, sentinel)) == [name(0, sentinel)]

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, 0], ids=["from the ring", "from Redis"])
def test_a_filter_tells_what_it_names_and_nothing_else(redis: Store, most_bytes: int) -> None:
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


def test_a_slow_reader_holds_nobody_up_and_takes_no_memory(redis: Store) -> None:
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


def test_who_is_behind_what_is_kept_hears_of_a_gap_and_then_all_that_is_kept(redis: Store) -> None:
    log = Log(redis, keep=50)

    async def read() -> None:
        async with hub(redis, most_bytes=FEW) as changes:
            slow, fast = await changes.begun(), await changes.begun()
            mark = (0, 200)
            for number in range(1, 21):
                log.many(10)
                await fast.until(0, (0, 10 * number))
            assert await slow.until(0, mark) == ["trimmed", *log.ids()[0]]
            assert slow.events[0] == (
                "gap",
                {"partition": 0, "after": "0-0-0", "upto": "0-0-150", "reason": "trimmed"},
            )
            assert slow.cursors[0] == "0-0-150"
            assert await changes.reader("0-0-7").until(0, mark) == slow.ids
            assert await changes.reader("0-0-150").until(0, mark) == slow.ids[1:]
            assert fast.ids == [f"0-0-{number}" for number in range(1, 201)]

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, FEW])
def test_a_hub_that_was_cut_off_for_too_long_tells_the_gap_to_all_whatever_they_want(
    redis: Store, most_bytes: int
) -> None:
    log, looks = Log(redis, keep=1200), threading.Event()

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            reader, few = await changes.begun(), await changes.begun(matching=ChangeFilter(items=frozenset({"tea"})))
            await reader.until(0, log.many(2)[-1])
            changes._look_pool.submit(looks.wait)
            log.many(1500)
            log.many(1)
            log.commit(rule(["tea"], ["jam"]))
            looks.set()
            assert await reader.until(0, (0, 1504)) == [
                "0-0-1", "0-0-2", "trimmed", *(f"0-0-{number}" for number in range(305, 1505))
            ]  # fmt: skip
            assert await few.until(0, (0, 1504)) == ["trimmed", "0-0-1504"]
            assert few.events[0][1]["upto"] == reader.events[2][1]["upto"] == "0-0-304"

    asyncio.run(read())


@pytest.mark.parametrize("before", [0, 999, 1000, 2500])
def test_a_step_of_more_changes_than_are_read_at_once_is_told_whole(redis: Store, before: int) -> None:
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


def test_a_state_put_back_is_told_to_who_heard_more_and_its_new_changes_to_all(redis: Store) -> None:
    log = Log(redis, partitions=2)

    async def read() -> None:
        async with hub(redis) as changes:
            ahead, slow, between = [await changes.begun() for _ in range(3)]
            log.many(10)
            for reader in (ahead, between):
                await reader.until(0, (0, 10))
            put_back = log.copy()
            log.many(5)
            log.many(3, partition=1)
            await ahead.until(0, (0, 15))
            await ahead.until(1, (0, 3))
            put_back()
            await changes.knows(0, (0, 10))
            await changes.knows(1, (0, 0))
            resumed = changes.reader("0-0-15,1-0-3")
            while len(resumed.events) < 2:
                assert await resumed.chunk()
            log.claim()
            log.many(6)
            log.many(4, partition=1)
            for reader in (ahead, slow, between, resumed):
                await reader.until(0, (0, 16))
                await reader.until(1, (0, 4))
            old, new = [[f"0-0-{number}" for number in range(*part)] for part in ((1, 16), (11, 17))]
            old_one, new_one = [[f"1-0-{number}" for number in range(1, end)] for end in (4, 5)]
            assert (ahead.of(0), ahead.of(1)) == ([*old, "rewound", *new], [*old_one, "rewound", *new_one])
            assert (slow.of(0), slow.of(1)) == (old[:10] + new, new_one)
            assert (between.of(0), between.of(1)) == (old[:10] + new, new_one)
            assert (resumed.of(0), resumed.of(1)) == (["rewound", *new], ["rewound", *new_one])
            # Who comes again behind it hears of nothing but what is new.
            last = log.many(1)[-1]
            for place in (ahead.cursors[-1], "0-0-16,1-0-4"):
                assert await changes.reader(place).until(0, last) == ["0-0-17"]

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, 0], ids=["from the ring", "from Redis"])
def test_a_new_epoch_goes_on_where_the_state_was_put_back_to(redis: Store, most_bytes: int) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            reader = await changes.begun()
            await reader.until(0, log.many(10)[-1])
            put_back = log.copy()
            await reader.until(0, log.many(5)[-1])
            put_back()
            log.claim()
            log.epoch = 1
            log.many(3)
            await reader.until(0, (1, 13))
            ids = [one for one in reader.ids if one != "rewound"]
            assert ids == [f"0-0-{number}" for number in range(1, 16)] + ["0-1-11", "0-1-12", "0-1-13"]
            assert await changes.reader("0-0-15").until(0, (1, 13)) == ids[-3:]
            late = await changes.reader("0-0-8").until(0, (1, 13))
            held = [one for one in late if not one.startswith("0-0-1") or one == "0-0-10"]
            assert held == ["0-0-9", "0-0-10", *ids[-3:]], "and perhaps, before the last three, what was taken back"
            assert await changes.reader("0-0-99").until(0, (1, 13)) == ids[-3:]

    asyncio.run(read())


def test_a_slow_reader_behind_a_state_put_back_twice_misses_nothing_of_what_is_so_now(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=FEW) as changes:
            fast, slow, ahead = [await changes.begun() for _ in range(3)]
            await fast.until(0, log.many(20)[-1])
            assert await slow.chunk()
            heard = len(slow.events)
            put_back = log.copy()
            for more in (30, 40):
                mark = log.many(more)[-1]
                await fast.until(0, mark)
                if more == 30:
                    await ahead.until(0, mark)
                put_back()
                await changes.knows(0, (0, 20))
                log.claim()
            last = log.many(500)[-1]
            expected = [f"0-0-{number}" for number in range(1, 521)]
            assert heard > 0
            assert await slow.until(0, last) == expected
            assert await ahead.until(0, last) == [*expected[:50], "rewound", *expected[20:]]
            assert await fast.until(0, last) == [
                *expected[:50], "rewound", *expected[20:60], "rewound", *expected[20:]
            ]  # fmt: skip

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, 0], ids=["from the ring", "from Redis"])
def test_changes_of_the_erased_are_blank_to_who_reads_late(redis: Store, most_bytes: int) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            live = await changes.begun()
            log.commit(move("her"), move("him"), move("her"))
            await live.until(0, (0, 3))
            log.commit(move("her", None, reason="erase"), erased="her")
            last = log.commit(move("her"), move("him"))[-1]
            await live.until(0, last)
            late = changes.reader("0-0-0")
            await late.until(0, last)
            assert live.ids == [f"0-0-{number}" for number in range(1, 7)]
            assert late.ids == [f"0-0-{number}" for number in (2, 4, 5, 6)]
            assert [data["customer_id"] for _, data in late.events] == ["him", "her", "her", "him"]

    asyncio.run(read())


def test_a_real_erasure_is_blank_to_who_reads_late(redis: Store) -> None:
    run = flows.Shop(redis, flows.settings())
    list(run.run(shop.made(80, 60, seed=4)))
    (part,) = (flow.store for flow in run.flows)
    name_ = next(entry.key for entry in part.changes() if entry.topic == "segment-changes")

    async def read() -> None:
        async with hub(redis) as changes:
            await changes.begun()
            await asyncio.to_thread(run.step, [shop.erase(name_, run.watermark or 0)])
            kept = part.changes()
            assert any(map(is_blank, kept))
            await changes.knows(0, (0, kept[-1].sequence))
            for place in ("0-0-0", f"0-0-{kept[0].sequence}"):
                late = changes.reader(place, ChangeFilter(frozenset({"segment-change", "segment", "rule", "reject"})))
                await late.until(0, (0, kept[-1].sequence))
                hers = [data for _, data in late.events if data.get("customer_id") == name_]
                assert [data["reason"] for data in hers] == ["erase"]
                told = [json.loads(entry.value)["change_id"] for entry in kept if not is_blank(entry)]
                assert late.ids == told[-len(late.ids) :]

    asyncio.run(read())


def test_who_waits_for_a_state_is_told_it_from_its_begin(redis: Store) -> None:
    emptied(redis)

    async def read() -> None:
        async with hub(redis) as changes:
            early = changes.reader()
            waiting = asyncio.create_task(early.chunk())
            async with asyncio.timeout(60):
                while not changes.shared.empty:
                    await asyncio.sleep(0.001)
            trouble = changes.trouble()
            assert trouble is not None
            assert "no state yet" in trouble
            later = changes.reader()
            log = Log(redis, partitions=2)
            log.many(5)
            log.many(1, partition=1)
            assert await waiting
            for reader in (early, later):
                await reader.until(0, (0, 5))
                await reader.until(1, (0, 1))
                assert (reader.of(0), reader.of(1)) == (log.ids()[0], log.ids()[1])
            assert changes.trouble() is None

    asyncio.run(read())


def test_another_state_is_told_as_a_gap_and_with_other_partitions_feeds_end(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis) as changes:
            reader = await changes.begun()
            await reader.until(0, log.many(5)[-1])
            other = Log(redis)
            other.commit(*(move("somebody else") for _ in range(9)))
            await changes.knows(0, (0, 9))
            await reader.until(0, other.many(1)[-1])
            assert reader.ids in (
                [*log.ids()[0][:5], "rewound", "0-0-10"],
                [*log.ids()[0][:5], "rewound", *log.ids()[0]],  # seen while it was empty still
            )
            three = Log(redis, partitions=3)
            three.many(2, partition=2)
            told = len(await reader.to_end())
            assert set(reader.ids[11:told]) <= {"rewound"}
            again = changes.reader(reader.last)
            end = three.many(1, partition=2)
            await again.until(2, end[-1])
            assert [kind for kind, _ in again.events][:3] == ["gap"] * 3
            assert again.ids[-1] == "2-0-3"
            for partitions in (2, 4):
                # Nothing has been told in these two, and still it is noticed that they are others.
                Log(redis, partitions)
                await again.to_end()
                again = await changes.begun()
                assert again.last == ",".join(f"{partition}-0-0" for partition in range(partitions))

    asyncio.run(read())


def test_a_reader_who_comes_while_the_state_is_gone_is_told_nothing_of_the_one_before(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis) as changes:
            reader = await changes.begun()
            await reader.until(0, log.many(5)[-1])
            emptied(redis)
            async with asyncio.timeout(60):
                while not changes.shared.empty:
                    await asyncio.sleep(0.001)
            late = changes.reader()
            waiting = asyncio.create_task(late.chunk())
            await asyncio.sleep(0)
            other = Log(redis)
            other.commit(*(move("somebody else") for _ in range(8)))
            await waiting
            assert await late.until(0, (0, 8)) == other.ids()[0]

    asyncio.run(read())


def test_all_feeds_end_when_they_are_told_to(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis) as changes:
            reader, gone, idle = [await changes.begun() for _ in range(3)]
            mark = log.many(3)[-1]
            for one in (reader, gone, idle):
                await one.until(0, mark)
            assert changes.feeds == 3
            changes.unsubscribe(gone.feed)
            assert (len(await gone.to_end()), changes.feeds) == (3, 2)
            waiting = asyncio.create_task(idle.to_end())
            await asyncio.sleep(0)
            assert not waiting.done()
            changes.end_feeds()
            assert await waiting == await reader.to_end() == log.ids()[0]
            assert await changes.reader().to_end() == []
        assert changes.trouble() is not None

    asyncio.run(read())


def test_a_feed_is_open_for_no_longer_than_it_may_even_if_there_is_always_more(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, Times(poll=0.001, longest=0.0)) as changes:
            await changes.reader().to_end()
            log.many(10)
            await changes.reader("0-0-0").to_end()

    asyncio.run(read())


def test_silence_is_broken_by_a_comment_with_the_place(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, Times(poll=0.001, keep_alive=0.01)) as changes:
            reader = await changes.begun(matching=ChangeFilter(frozenset({"rule"})))
            log.many(3)
            async with asyncio.timeout(60):
                while b"id: 0-0-3\n\n" not in (chunk := await anext(reader.feed)):
                    pass
            assert chunk == b": keep-alive\nid: 0-0-3\n\n"

    asyncio.run(read())


def test_while_redis_is_away_feeds_wait_and_then_go_on(tmp_path: Path) -> None:
    async def read(server: RedisServer) -> None:
        with open_store(server.url) as store:
            log = Log(store, new=False)
            async with hub(store, most_bytes=0) as changes:
                reader = await changes.begun()
                await reader.until(0, log.many(3)[-1])
                server.kill()
                async with asyncio.timeout(60):
                    while changes.trouble() is None:
                        await asyncio.sleep(0.001)
                late = changes.reader("0-0-1")
                waiting = asyncio.create_task(late.until(0, (0, 3)))
                await asyncio.sleep(0)
                await asyncio.to_thread(server.start)
                assert await waiting == ["0-0-2", "0-0-3"]
                log.claim()
                mark = log.many(1)[-1]
                assert await reader.until(0, mark) == ["0-0-1", "0-0-2", "0-0-3", "0-0-4"]

    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(read(server))


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 1), st.integers(1, 40)),
        st.tuples(st.just("read"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("again"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("look"), st.integers(0, 1), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(OPERATIONS, st.sampled_from([0, FEW, 64_000_000]))
def test_whatever_happens_in_whatever_order_each_reader_hears_each_change_once(
    redis: Store, operations: list[tuple[str, int, int]], most_bytes: int
) -> None:
    log = Log(redis, partitions=2)
    told = [0, 0]

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            readers = [await changes.begun() for _ in range(3)]
            for operation, which, count in operations:
                if operation == "tell":
                    told[which] = log.many(count, partition=which)[-1][1]
                elif operation == "look" and told[which]:
                    await changes.knows(which, (0, told[which]))
                elif operation == "again":
                    reader = readers[which]
                    changes.unsubscribe(reader.feed)
                    reader.feed = changes.reader(reader.last).feed
                elif operation == "read":
                    for _ in range(count):
                        if len(readers[which].events) < sum(told):
                            assert await readers[which].chunk()
            for partition in range(2):
                told[partition] = log.many(1, partition=partition)[-1][1]
            for reader in readers:
                while len(reader.events) < sum(told):
                    assert await reader.chunk()
                assert [reader.of(0), reader.of(1)] == log.ids()

    asyncio.run(read())
