"""`crm-online publish` on a real broker: every event once, in order, as it was, under its key."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from crm_online.errors import BrokerRefused
from crm_online.events.log import LogReader
from crm_online.events.native import keys, to_native
from crm_online.events.options import LogOptions
from crm_online.events.source import open_source
from crm_online.events.times import from_iso, to_iso
from crm_online.settings import Settings, load_settings
from streams.admin import ensure_topics
from streams.publish import PublishResult, publish
from tests.command import crm_online
from tests.events.writing import GOOD, jsonl
from tests.servers.broker import Broker
from tests.servers.records import Record, Sent

Event = tuple[bytes, bytes]
BEGIN = from_iso("2024-01-01")


def of(broker: Broker, prefix: str, *overrides: str) -> Settings:
    given = [f"kafka.brokers={broker.address}", f"kafka.prefix={prefix}", *overrides]
    return load_settings(None, given, {}).settings


def events_of(path: Path, preset: str | None = None, max_ahead: int | None = None) -> list[Event]:
    """Return key and value of each event of a log, in the order of its rows."""
    chunks = LogReader(path, open_source(path), LogOptions(preset=preset)).chunks(max_ahead=max_ahead)
    return [
        (key.encode(), value)
        for chunk in chunks
        for key, value in zip(keys(chunk.events), to_native(chunk.events), strict=True)
    ]


def by_key(events: list[Event]) -> dict[bytes, list[bytes]]:
    ordered = defaultdict(list)
    for key, value in events:
        ordered[key].append(value)
    return ordered


def read(broker: Broker, prefix: str) -> list[Record]:
    return broker.client.read(f"{prefix}events")


def pairs(records: list[Record]) -> list[Event]:
    assert all(record.key is not None and record.value is not None for record in records)
    return [(record.key or b"", record.value or b"") for record in records]


def some_events(folder: Path, count: int, customers: int = 7) -> Path:
    lines = [
        GOOD
        | {
            "customer_id": f"c{n % customers}",
            "event_id": f"e{n}",
            "time": to_iso(BEGIN + n * 1000),
        }
        for n in range(count)
    ]
    return jsonl(folder / "log.jsonl", *lines)


def test_a_log_is_on_the_topic_each_event_once_in_its_keys_order_and_rejects_are_not(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    basket = {name: value for name, value in GOOD.items() if name != "customer_id"} | {"event_id": "alone"}
    path = jsonl(
        tmp_path / "log.jsonl",
        *(GOOD | {"customer_id": f"cus\u00e9-{n % 20}", "event_id": f"e{n}"} for n in range(500)),
        "no JSON",
        GOOD | {"time": "2024-13-01"},
        GOOD | {"time": "2099-01-01"},  # which a replay would refuse, too
        basket | {"basket_id": "b1"},
        basket,
    )
    result = asyncio.run(publish([path], settings=of(broker, prefix)))
    assert (result.events, result.published, result.rejected, result.partitions) == (505, 502, 3, 4)
    assert sum(result.rejects.reasons.values()) == 3
    expected = by_key(events_of(path, max_ahead=86_400_000))
    assert by_key(pairs(read(broker, prefix))) == expected
    assert {b"b1", b"alone", "cus\u00e9-3".encode()} < expected.keys()


def test_keys_go_where_every_client_of_kafka_sends_them(broker: Broker, prefix: str, tmp_path: Path) -> None:
    asyncio.run(publish([some_events(tmp_path, 100, customers=100)], settings=of(broker, prefix)))
    ours = {record.key: record.partition for record in read(broker, prefix)}
    topic = broker.client.create_topic(f"{prefix}others", 4)
    broker.client.produce(topic, [Sent(key, b"") for key in ours])
    assert {record.key: record.partition for record in broker.client.read(topic)} == ours
    assert len(set(ours.values())) == 4


@pytest.mark.slow
def test_a_real_log_by_the_command_line_is_on_the_topic(
    broker: Broker, prefix: str, tmp_path: Path, shared_data: Path
) -> None:
    path = shared_data / "online_retail.parquet"
    options = ["--set", f"kafka.brokers={broker.address}", "--set", f"kafka.prefix={prefix}"]
    done = crm_online(tmp_path, "publish", str(path), "--json", *options)
    assert done.returncode == 0, done.stderr
    printed: dict[str, object] = json.loads(done.stdout)
    assert printed["events"] == 541_909
    assert printed["rejected"] == 2_517
    assert done.stderr.startswith("2,517 of 541,909 rows were rejected; the first is online_retail.parquet:")
    published = pairs(read(broker, prefix))
    assert len(published) == printed["published"] == 539_392
    assert by_key(published) == by_key(events_of(path))


def test_a_broker_killed_while_a_log_is_published_costs_and_doubles_nothing(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    path = some_events(tmp_path, 20_000)
    settings = of(broker, prefix)
    asyncio.run(ensure_topics(settings))

    def there() -> int:
        try:
            return sum(broker.client.end_offsets(f"{prefix}events").values())
        except KafkaException:  # it has started, and does not know all of its own last elections yet
            return 0

    def kill_in_full_flow() -> None:
        for target in (1_000, 6_000, 12_000):
            while there() < target:
                pass
            broker.kill()
            broker.start()

    with ThreadPoolExecutor(1) as thread:
        kills = thread.submit(kill_in_full_flow)
        asyncio.run(publish([path], settings=settings, speed=5_000))
        kills.result()
    assert by_key(pairs(read(broker, prefix))) == by_key(events_of(path))


def test_with_a_speed_events_come_when_they_are_due(broker: Broker, prefix: str, tmp_path: Path) -> None:
    path = some_events(tmp_path, 11)
    result = asyncio.run(publish([path], settings=of(broker, prefix), speed=20))
    assert result.published == len(read(broker, prefix)) == 11
    assert result.seconds >= 0.5  # for ten seconds of the log


def test_several_logs_are_published_one_after_the_other(broker: Broker, prefix: str, tmp_path: Path) -> None:
    first = some_events(tmp_path, 30)
    second = jsonl(tmp_path / "second.jsonl", GOOD | {"customer_id": "c1", "event_id": "last"})
    fractions: list[float] = []
    result = asyncio.run(
        publish(
            [first, second],
            settings=of(broker, prefix, "replay.step=10"),
            on_progress=lambda progress: fractions.append(progress.fraction),
        )
    )
    assert isinstance(result, PublishResult)
    assert result.published == 31
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert by_key(pairs(read(broker, prefix)))[b"c1"] == by_key(events_of(first) + events_of(second))[b"c1"]


def test_an_event_too_large_for_the_topic_is_an_error_and_not_lost_silently(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    broker.client.create_topic(f"{prefix}events", 1, max_message_bytes="70000")
    letters = [chr(code) for code in range(0x4E00, 0x9FFF)]
    noise = "".join(random.Random(1).choices(letters, k=60_000))  # which hardly compresses
    path = jsonl(
        tmp_path / "log.jsonl",
        GOOD,
        {"type": "profile", "customer_id": "a", "time": "2024-01-01", "attributes": {"a": noise}},
    )
    with pytest.raises(BrokerRefused, match=r"too large for its topic \(max\.message\.bytes\)"):
        asyncio.run(publish([path], settings=of(broker, prefix)))


def test_what_cannot_be_read_is_refused_before_anything_is_published(
    broker: Broker, prefix: str, tmp_path: Path
) -> None:
    good = some_events(tmp_path, 3)
    options = ["--set", f"kafka.brokers={broker.address}", "--set", f"kafka.prefix={prefix}"]
    done = crm_online(tmp_path, "publish", str(good), "missing.jsonl", *options)
    assert (done.returncode, done.stderr) == (2, "crm-online: no such file: missing.jsonl\n")
    assert f"{prefix}events" not in broker.client.topics()


def test_a_broker_that_does_not_answer_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = crm_online(tmp_path, "publish", str(some_events(tmp_path, 3)), "--set", "kafka.brokers=127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "crm-online: no answer from Kafka at 127.0.0.1:1: Connection refused\n"
