"""The sink of a state that logs feed: each is answered after the commit, and what waits together is one step."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from crm_online.answers.service import EventReceipt
from crm_online.errors import EventsRefused, StoreError, TooFarAhead
from crm_online.events.models import Event
from crm_online.events.producers import LOG
from crm_online.live.ingestion import event_log
from crm_online.live.ingestion.event_log import EventLog
from crm_online.live.ingestion.sinks import EventSink
from crm_online.live.ingestion.state_sink import StateSink
from crm_online.lookup import Lookup
from crm_online.settings import Settings
from crm_online.settings.model import BasketSettings
from crm_online.store import Store, open_store
from crm_online.store.keys import COMMITS, META, SENT
from tests.engine import shop
from tests.engine.pipelines import settings
from tests.servers.embedded import emptied
from tests.servers.redis_server import RedisServer


def no_kafka(topic: str) -> EventSink:
    raise EventsRefused(f"no client of Kafka for {topic}")


def sink_of(store: Store, given: Settings | None = None, *, begins: bool = True) -> StateSink:
    return StateSink(store, given or settings(), no_kafka, begins=begins)


def view(number: int, days: float = 0) -> list[Event]:
    return [shop.view(f"c{number}", shop.START + round(days * shop.DAY), name=f"e{number}")]


def commits(store: Store) -> int:
    return int(store.partition(0).hash_get(META, [COMMITS])[0] or 0)


def test_a_burst_is_few_steps_and_each_request_has_its_own_answer(redis: Store) -> None:
    emptied(redis)

    async def send() -> list[EventReceipt | BaseException]:
        sink = sink_of(redis)
        await sink.accept(view(1000), LOG)
        requests = [sink.accept(view(n), LOG) for n in range(50)] + [sink.accept(view(999, days=20_000), LOG)]
        answers = await asyncio.gather(*requests, return_exceptions=True)
        await sink.stop()
        return answers

    answers = asyncio.run(send())
    assert answers[:50] == [EventReceipt(events=1, accepted=1, duplicates=0, to="engine")] * 50
    assert isinstance(answers[50], TooFarAhead)
    assert redis.partition(0).positions() == {SENT: 51}
    assert commits(redis) < 10


def test_an_id_that_was_made_here_is_used_up_by_nobody_who_sends_it(
    redis: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(redis)
    monkeypatch.setattr(event_log, "token_hex", lambda _: "guessed")

    async def send(*names: str | None) -> list[int | None]:
        sink = sink_of(redis)
        answers = [await sink.accept([shop.view("c1", shop.START, name=name)], "key") for name in names]
        await sink.stop()
        return [answer.accepted for answer in answers]

    assert asyncio.run(send(f"{SENT}-guessed-1", None, f"{SENT}-guessed-1")) == [1, 1, 0]


def test_what_waits_when_the_service_stops_is_committed(redis: Store) -> None:
    emptied(redis)

    async def send() -> list[EventReceipt | BaseException]:
        sink = sink_of(redis)
        await sink.accept(view(1000), LOG)
        requests = [asyncio.create_task(sink.accept(view(n), LOG)) for n in range(30)]
        await asyncio.sleep(0)
        await sink.stop()
        with pytest.raises(EventsRefused, match="stopped"):
            await sink.accept(view(1), LOG)
        return await asyncio.gather(*requests, return_exceptions=True)

    assert all(isinstance(answer, EventReceipt) for answer in asyncio.run(send()))
    assert Lookup(redis).states[0].accepted == 31


def test_whoever_disconnects_does_not_keep_the_others_waiting(redis: Store) -> None:
    emptied(redis)

    async def send() -> None:
        sink = sink_of(redis)
        gone = [asyncio.create_task(sink.accept(view(n), LOG)) for n in range(5)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        assert (await sink.accept(view(99), LOG)).events == 1
        await sink.stop()

    asyncio.run(send())


def test_more_than_can_wait_is_refused(redis: Store) -> None:
    given = settings()
    few = given.model_copy(update={"replay": given.replay.model_copy(update={"step": 1})})

    async def send() -> list[EventReceipt | BaseException]:
        sink = sink_of(emptied(redis), few)
        await sink.accept(view(1000), LOG)
        answers = await asyncio.gather(*(sink.accept(view(n), LOG) for n in range(40)), return_exceptions=True)
        await sink.stop()
        return answers

    answers = asyncio.run(send())
    refused = [answer for answer in answers if isinstance(answer, EventsRefused)]
    assert 0 < len(refused) < 40
    assert Lookup(redis).states[0].accepted == 41 - len(refused)


def test_a_basket_is_counted_when_it_has_been_open_for_long_enough_and_nothing_comes(redis: Store) -> None:
    given = settings().model_copy(update={"baskets": BasketSettings(open_for=100)})

    async def send() -> None:
        sink = sink_of(emptied(redis), given)
        await sink.accept([shop.order("a", shop.START, ("tea", 1, 1), ("jam", 1, 1), basket="b")], LOG)
        async with asyncio.timeout(30):
            while Lookup(redis).states[0].baskets == 0:
                await asyncio.sleep(0.01)
        await sink.stop()

    asyncio.run(send())


def test_while_something_else_feeds_the_state_nothing_is_accepted(redis: Store) -> None:
    async def send() -> None:
        sink = sink_of(emptied(redis))
        sink.suspend("the demo's replay runs")
        with pytest.raises(EventsRefused, match="the demo's replay runs"):
            await sink.accept(view(1), LOG)
        sink.resume()
        await sink.accept(view(1), LOG)
        await sink.stop()

    asyncio.run(send())


def test_a_redis_for_several_is_not_begun_by_events(redis: Store) -> None:
    async def send() -> None:
        sink = sink_of(emptied(redis), begins=False)
        with pytest.raises(EventsRefused, match="start a worker, or replay a log"):
            await sink.accept(view(1), LOG)
        given = settings()
        redis.initialise(1, json.dumps(given.shaping(), sort_keys=True))
        await sink.accept(view(1), LOG)
        await sink.stop()

    asyncio.run(send())


def test_where_workers_feed_the_state_events_go_to_their_topic(redis: Store) -> None:
    emptied(redis).initialise(2, json.dumps(settings().shaping(), sort_keys=True), "kafka:shop.events")

    async def send() -> None:
        sink = sink_of(redis)
        answers = await asyncio.gather(*(sink.accept(view(n), LOG) for n in range(3)), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["no client of Kafka for shop.events"] * 3
        await sink.stop()

    asyncio.run(send())


def test_while_the_store_is_unavailable_events_are_refused_and_then_accepted_again(tmp_path: Path) -> None:
    async def send(redis: RedisServer) -> None:
        with open_store(redis.url) as store:
            sink = sink_of(store)
            await sink.accept(view(1), LOG)
            redis.kill()
            with pytest.raises(StoreError):
                await sink.accept(view(2), LOG)
            redis.start()
            await sink.accept(view(2), LOG)
            assert Lookup(store).states[0].accepted == 2
            await sink.stop()

    with RedisServer(tmp_path / "redis") as server:
        asyncio.run(send(server))


def test_an_event_log_without_a_state_has_no_tick_due(redis: Store) -> None:
    assert EventLog(emptied(redis), settings()).tick() is None
