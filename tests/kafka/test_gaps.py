"""A log with offsets that hold no record, and one that is not what it was: by right, or something is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import pytest
from aiokafka import TopicPartition

from crm_online.lookup import open_lookup
from crm_online.settings import load_settings
from streams.fetching import GapVerifier
from tests.kafka.oracle import milliseconds
from tests.kafka.service import Service
from tests.kafka.small_log import Slice, log, slices
from tests.kafka.waiting import until, until_at_rest, until_read
from tests.servers.broker import Broker
from tests.servers.records import Compression, Record, Sent
from tests.servers.workers import Worker

SOME = [Sent(b"k%d" % number, b"v%d" % number) for number in range(40)]
PARTITIONS = 2
FETCH_WAIT_SECONDS = 1.0
"""How long a fetch may wait at the broker for records, with some to spare: aiokafka's ``fetch_max_wait_ms`` is 500."""


@pytest.fixture
def service(broker: Broker, tmp_path: Path, prefix: str) -> Iterator[Service]:
    with Service(broker, tmp_path, prefix, partitions=PARTITIONS) as one:
        yield one


def parts(count: int, seed: int = 5) -> list[Slice]:
    return slices(log(30, 40, seed), count)


def gaps(service: Service) -> list[dict[str, Any]]:
    """Return what was left out of the log, by the state."""
    found = []
    for number in range(PARTITIONS):
        raw = service.redis.admin.lrange(f"{{crm:{number}}}:gaps", 0, -1)
        found += [{"partition": number, **json.loads(gap)} for gap in raw]
    return found


def verified(service: Service) -> dict[str, Any]:
    """Return what `verify` says."""
    with open_lookup(service.redis.url) as lookup:
        return lookup.verify()


def ended(worker: Worker) -> str:
    """Wait until a worker has ended by itself, and return the last line that it printed: the one for a person."""
    assert worker.wait(60) == 2, worker.last_lines()
    text = worker.log.read_text()
    assert "Traceback" not in text
    return text.splitlines()[-1]


# What has no record by right.


@asynccontextmanager
async def gap_verifier(broker: Broker) -> AsyncIterator[GapVerifier]:
    one = GapVerifier(load_settings(None, [f"kafka.brokers={broker.address}"], {}).settings.kafka)
    yield one
    await one.close()


def test_a_gap_verifier_tells_lost_records_from_markers_and_from_records_that_were_aborted(
    broker: Broker, prefix: str
) -> None:
    client = broker.client
    topic = client.create_topic(f"{prefix}events")
    client.produce(topic, SOME[:3])
    client.produce(topic, SOME[3:8], transaction=f"{prefix}t")  # 3 to 7, mark at 8
    client.produce(topic, SOME[8:12], transaction=f"{prefix}t", commit=False)  # 9 to 12, mark at 13
    client.produce(topic, SOME[12:14], transaction=f"{prefix}t")  # 14 and 15, mark at 16
    client.produce(topic, SOME[14:15], transaction=f"{prefix}t", commit=False)  # 17, mark at 18
    records, partition, end = client.read(topic), TopicPartition(topic, 0), client.end_offsets(topic)[0]
    assert [record.offset for record in records] == [*range(8), 14, 15]
    assert end == 19

    async def ask() -> None:
        async with gap_verifier(broker) as one:

            async def lost(given: Sequence[Record], begin: int = 0, end: int = end) -> int | None:
                return await one.first_lost(partition, begin, end, given)

            assert await lost(records) is None
            assert await lost(records[8:], 8) is None
            assert await lost([], 8, 14) is None
            assert await lost([], 16) is None
            assert await lost(records[:3], 0, 3) is None
            for gone in range(len(records)):
                assert await lost([*records[:gone], *records[gone + 1 :]]) == records[gone].offset
            assert await lost([]) == 0
            assert await lost([], 8) == 14
            assert await asyncio.gather(*(lost(records[:-1]) for _ in range(5))) == [15] * 5
            for record in records:
                found = await one.record_at(partition, record.offset)
                assert found is not None
                assert (found.key, found.value) == (record.key, record.value)
            assert [await one.record_at(partition, offset) for offset in (8, 9, 13, 18)] == [None] * 4

    asyncio.run(ask())


@pytest.mark.slow
def test_compressed_and_transactional_topics_are_read_and_marks_at_the_end_do_not_stop_time(service: Service) -> None:
    ways = [way for way in get_args(Compression) if way != "none"]
    assert sorted(ways) == ["gzip", "lz4", "snappy", "zstd"]
    *compressed, small, last = parts(len(ways) + 2)
    client, transaction = service.broker.client, f"{service.prefix}shop"
    worker = service.worker().wait_ready()
    for way, part in zip(ways, compressed, strict=True):
        client.produce(service.events, part.records, compression=way)
        service.sent += part.records
    # Transactions of a few events each; between them others, which are aborted.
    for begin in range(0, len(small.records), 20):
        some = small.records[begin : begin + 20]
        client.produce(service.events, some, transaction=transaction)
        service.sent += some
        client.produce(service.events, last.records[:5], transaction=transaction, commit=False)
    client.produce(service.events, last.records[5:], transaction=transaction, commit=False)
    ends = {number: record.offset + 1 for record in client.read(service.events) for number in [record.partition]}
    assert all(ends[number] < end for number, end in client.end_offsets(service.events).items())
    until(lambda: service.positions() == ends, lambda: f"{service.positions()} of {ends}")

    def watermarks() -> list[int]:
        return [json.loads(service.redis.admin.get(f"{{crm:{n}}}:engine") or b"")["watermark"] for n in range(2)]

    then = watermarks()

    def time_goes_on_and_there_is_no_lag() -> bool:
        nonlocal then
        if worker.metric("crm_online_lag"):
            then = watermarks()
        return all(now > before + 2000 for now, before in zip(watermarks(), then, strict=True))

    until(time_goes_on_and_there_is_no_lag, lambda: f"{watermarks()}, lag {worker.metric('crm_online_lag')}")
    service.command(command="tick", time=small.end)
    until_at_rest(service.redis, PARTITIONS, milliseconds(small.end), service.workers)
    assert service.wrong(small.end) == []
    assert worker.metric("crm_online_rejects_total") == 0
    assert gaps(service) == []


def test_a_compacted_events_topic_is_refused_at_start(service: Service) -> None:
    service.broker.client.create_topic(service.events, PARTITIONS, cleanup_policy="compact")
    line = ended(service.worker())
    assert line == (
        f"crm-online: {service.events} is compacted, which drops all but the last event of a customer before they are "
        "counted: set its cleanup.policy to delete"
    )


# What the log does not hold any more.


def lost_from(service: Service, part: Slice, keep: int) -> list[Sent]:
    """Send events that are deleted again, but for the last of each partition; those are what may be counted."""
    client = service.broker.client
    places = client.produce(service.events, part.records)
    ends = client.end_offsets(service.events)
    client.delete_records(service.events, {number: end - keep for number, end in ends.items()})
    return [sent for sent, (number, at) in zip(part.records, places, strict=True) if at >= ends[number] - keep]


def anew(service: Service, records: Sequence[Sent]) -> None:
    """Delete the events topic, make it again, and send events to it."""
    service.broker.client.delete_topic(service.events)
    service.broker.client.create_topic(service.events, PARTITIONS, message_timestamp_type="LogAppendTime")
    service.send(records)


@pytest.mark.slow
def test_a_log_that_is_not_what_it_was_stops_workers_unless_they_may_skip_which_is_recorded(service: Service) -> None:
    first, second, third = parts(3)
    client = service.broker.client
    worker = service.worker().wait_ready()
    service.send(first.records)
    until_read(client, service.redis, service.prefix)
    worker.stop()
    before = service.positions()
    assert before is not None
    kept = lost_from(service, second, 7)
    line = ended(service.worker())
    ends = client.end_offsets(service.events)
    holds = [
        f"{service.events} partition {number} holds offsets {ends[number] - 7} to {ends[number]}, "
        f"but {before[number]} is next: retention has passed it"
        for number in range(PARTITIONS)
    ]
    assert line in {
        f"crm-online: {why}; begin a new state with what is to be counted, or go on with what the topic holds by "
        "kafka.on_gap=skip, which is recorded"
        for why in holds
    }
    assert (service.positions(), gaps(service)) == (before, [])

    worker = service.worker("kafka.on_gap=skip").wait_ready()
    service.sent += kept
    service.finish(second.end)
    assert service.wrong(second.end) == []
    left_out = [(gap["partition"], gap["topic"], gap["begin"], gap["end"], gap["why"]) for gap in gaps(service)]
    assert left_out == [(n, service.events, before[n], ends[n] - 7, holds[n]) for n in range(PARTITIONS)]
    assert [gap["partition"] for gap in verified(service)["gaps"]] == [0, 1]
    worker.stop()

    # Our positions lie within the new topic, and the events before them are the same: it is another one all the same.
    before = service.positions()
    assert before is not None
    anew(service, [*first.records, *second.records, *third.records])
    assert all(before[number] < end for number, end in client.end_offsets(service.events).items())
    assert "was made anew" in ended(service.worker())
    assert service.positions() == before


@pytest.mark.slow
def test_a_worker_that_may_skip_lives_through_retention_and_through_a_topic_made_anew(service: Service) -> None:
    first, second, third = parts(3)
    worker = service.worker("kafka.on_gap=skip").wait_ready()
    service.send(first.records)
    until_read(service.broker.client, service.redis, service.prefix)
    worker.suspend()
    time.sleep(FETCH_WAIT_SECONDS)  # else what waits there is answered with what is deleted
    service.sent += lost_from(service, second, 3)
    worker.resume()
    service.finish(second.end)
    assert service.wrong(second.end) == []
    assert [gap["partition"] for gap in gaps(service)] == [0, 1]

    anew(service, third.records[:20])
    service.finish(third.end)
    assert service.wrong(third.end) == []
    assert [gap["end"] for gap in gaps(service) if "made anew" in gap["why"]] == [0, 0]
    assert "Traceback" not in worker.log.read_text()


@pytest.mark.slow
def test_a_worker_that_runs_stops_when_the_topic_is_made_anew(service: Service) -> None:
    first, second = parts(2)
    worker = service.worker().wait_ready()
    service.send(first.records)
    until_read(service.broker.client, service.redis, service.prefix)
    anew(service, [*first.records, *second.records])
    assert "was made anew" in ended(worker)


@pytest.mark.slow
def test_partitions_added_to_the_events_stop_workers_before_customers_are_mixed_up(service: Service) -> None:
    worker = service.worker().wait_ready()
    service.broker.client.add_partitions(service.events, 3)
    line = (
        f"crm-online: {service.events} has 3 partitions, but the state 2: what customers do now would be counted apart "
        "from what they did; begin a new state with all of their events (docs/operations.md: moving to more partitions)"
    )
    assert ended(worker) == line
    assert ended(service.worker()) == line
    assert not service.redis.admin.keys("{crm:2}*")
