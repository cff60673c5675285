"""Feeds end when they are to, and until then are never silent for long."""

from __future__ import annotations

import asyncio

from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.shared import FeedTimes
from crm_online.store import Store
from tests.live.feeding import Log, hub


def test_all_feeds_end_when_they_have_to(redis: Store) -> None:
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
            changes.end_subscriptions()
            assert await waiting == await reader.to_end() == log.ids()[0]
            assert await changes.reader().to_end() == []
        assert changes.trouble() is not None

    asyncio.run(read())


def test_a_feed_is_open_for_no_longer_than_it_may_even_if_there_is_always_more(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, FeedTimes(poll=0.001, longest=0.0)) as changes:
            await changes.reader().to_end()
            log.many(10)
            await changes.reader("0-0-0").to_end()

    asyncio.run(read())


def test_a_comment_with_the_cursor_comes_after_a_while_without_changes(redis: Store) -> None:
    log = Log(redis)

    async def read() -> None:
        async with hub(redis, FeedTimes(poll=0.001, keep_alive=0.01)) as changes:
            reader = await changes.begun(matching=ChangeFilter(frozenset({"rule"})))
            log.many(3)
            async with asyncio.timeout(60):
                while await anext(reader.feed) != b": keep-alive\nid: 0-0-3\n\n":
                    pass

    asyncio.run(read())
