"""A state that is not there yet, is gone, is another, or cannot be reached: feeds wait for it, and send no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from crm_online.store import Store, open_store
from tests.live.feeding import Log, hub, move
from tests.servers.embedded import emptied
from tests.servers.redis_server import RedisServer


def test_who_waits_for_a_state_gets_it_from_its_begin(redis: Store) -> None:
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


def test_another_state_comes_as_a_gap_and_with_other_partitions_feeds_end(redis: Store) -> None:
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
            sent = len(await reader.to_end())
            assert set(reader.ids[11:sent]) <= {"rewound"}
            again = changes.reader(reader.last)
            end = three.many(1, partition=2)
            await again.until(2, end[-1])
            assert [kind for kind, _ in again.events][:3] == ["gap"] * 3
            assert again.ids[-1] == "2-0-3"
            for partitions in (2, 4):
                # There was no change in these two, and still it is noticed that they are others.
                Log(redis, partitions)
                await again.to_end()
                again = await changes.begun()
                assert again.last == ",".join(f"{partition}-0-0" for partition in range(partitions))

    asyncio.run(read())


def test_a_reader_who_comes_while_the_state_is_gone_gets_nothing_of_the_one_before(redis: Store) -> None:
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


def test_while_redis_does_not_answer_feeds_wait_and_then_go_on(tmp_path: Path) -> None:
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
