"""A gap says which changes a reader misses, or has that a state put back does not have."""

from __future__ import annotations

import asyncio
import threading

import pytest

from crm_online.live.feeds.events import ChangeFilter
from crm_online.store import Store
from tests.live.feeding import Log, hub, move, reject, rule

FEW = 20_000
"""Bytes that hold about 15 changes."""


def test_who_resumes_before_what_is_kept_gets_a_gap_and_then_all_that_is_kept(redis: Store) -> None:
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
                {"partition": 0, "after": "0-0-0", "upto": "0-0-150", "reason": "trimmed", "kinds": ["segment-change"]},
            )
            assert slow.cursors[0] == "0-0-150"
            assert await changes.reader("0-0-7").until(0, mark) == slow.ids
            assert await changes.reader("0-0-150").until(0, mark) == slow.ids[1:]
            assert fast.ids == [f"0-0-{number}" for number in range(1, 201)]

    asyncio.run(read())


@pytest.mark.parametrize("most_bytes", [64_000_000, FEW])
def test_a_hub_that_was_cut_off_for_too_long_sends_the_gap_to_all_whatever_their_filters(
    redis: Store, most_bytes: int
) -> None:
    log, looks = Log(redis, keep=1200), threading.Event()

    async def read() -> None:
        async with hub(redis, most_bytes=most_bytes) as changes:
            reader, few = await changes.begun(), await changes.begun(matching=ChangeFilter(items=frozenset({"tea"})))
            await reader.until(0, log.many(2)[-1])
            held = await changes.hold(looks)
            log.many(1500)
            log.many(1)
            log.commit(rule(["tea"], ["jam"]))
            looks.set()
            await held
            assert await reader.until(0, (0, 1504)) == [
                "0-0-1", "0-0-2", "trimmed", *(f"0-0-{number}" for number in range(304, 1505))
            ]  # fmt: skip
            assert await few.until(0, (0, 1504)) == ["trimmed", "0-0-1504"]
            assert few.events[0][1]["upto"] == reader.events[2][1]["upto"] == "0-0-303"

    asyncio.run(read())


def test_a_state_put_back_is_a_gap_to_who_has_more_and_its_new_changes_come_to_all(redis: Store) -> None:
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
            # Who resumes after it gets nothing but what is new.
            last = log.many(1)[-1]
            for cursor in (ahead.cursors[-1], "0-0-16,1-0-4"):
                assert await changes.reader(cursor).until(0, last) == ["0-0-17"]

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
            assert held == ["0-0-9", "0-0-10", *ids[-3:]], "and perhaps, before the last three, what was undone"
            assert await changes.reader("0-0-99").until(0, (1, 13)) == ids[-3:]

    asyncio.run(read())


def test_a_slow_reader_of_a_state_put_back_twice_misses_nothing_of_what_is_so_now(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, most_bytes=FEW) as changes:
            fast, slow, ahead = [await changes.begun() for _ in range(3)]
            await fast.until(0, log.many(20)[-1])
            assert await slow.chunk()
            received = len(slow.events)
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
            assert received > 0
            assert await slow.until(0, last) == expected
            assert await ahead.until(0, last) == [*expected[:50], "rewound", *expected[20:]]
            assert await fast.until(0, last) == [
                *expected[:50], "rewound", *expected[20:60], "rewound", *expected[20:]
            ]  # fmt: skip

    asyncio.run(read())


@pytest.mark.parametrize("begun", ["before the flood", "after it"])
def test_a_flood_of_rejects_pushes_no_move_out_of_a_feed_and_is_a_gap_to_those_who_read_rejects(
    redis: Store, begun: str
) -> None:
    log = Log(redis, keep=60)

    async def read() -> None:
        of_rejects = ChangeFilter(kinds=frozenset({"reject", "segment-change"}))
        log.commit(*(move("a") for _ in range(30)))
        floods = [[reject("bad") for _ in range(50)]] * 9
        if begun == "after it":
            for flood in floods:
                log.commit(*flood)
        async with hub(redis, most_bytes=FEW) as changes:
            if begun == "before the flood":
                await changes.begun()
                for flood in floods:
                    log.commit(*flood)
            end = log.many(1)[-1]
            moves = [*(f"0-0-{number}" for number in range(8, 31)), "0-0-481"]
            assert await changes.reader("0-0-7").until(0, end) == moves
            both = await changes.reader("0-0-7", of_rejects).until(0, end)
            assert both == ["trimmed", *moves[:-1], *(f"0-0-{number}" for number in range(421, 482))]
            late = await changes.reader("0-0-450", of_rejects).until(0, end)
            assert late == [f"0-0-{number}" for number in range(451, 482)]
            between = changes.reader("0-0-300", of_rejects)
            assert (await between.until(0, end))[0] == "trimmed"
            assert between.events[0][1]["kinds"] == ["reject"]
            assert between.events[0][1]["upto"] == "0-0-420"

    asyncio.run(read())
