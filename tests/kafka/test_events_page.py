"""The two programs of docs/events.md run, against a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.records import decode
from tests.docs import fenced
from tests.servers.broker import Broker
from tests.servers.records import Sent


@pytest.fixture
def programs(root: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of the program that sends and of the one that reads."""
    texts = [text for language, text in fenced.blocks(root / "docs" / "events.md") if language == "python"]
    send, follow = tmp_path / "send.py", tmp_path / "follow.py"
    for path, text in zip((send, follow), texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return send, follow


def test_the_events_of_the_page_arrive_under_their_keys(
    broker: Broker, prefix: str, programs: tuple[Path, Path], root: Path
) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 4, message_timestamp_type="LogAppendTime")
    events = next(text for language, text in fenced.blocks(root / "docs" / "events.md") if language == "json")
    without = {"type": "purchase", "basket_id": "7", "time": "2026-01-31", "items": [{"item": "tea"}]}
    sent = events + json.dumps(without) + "\n"
    subprocess.run([sys.executable, programs[0], broker.address, topic], input=sent, text=True, check=True)
    found = broker.client.read(topic)
    assert len(found) == len(sent.splitlines())
    for partition in range(4):
        assert decode([one for one in found if one.partition == partition], topic, partition, None).rejects == []
    # The tests' client has Java's partitioner too, and is another one.
    for partition, key in {(one.partition, one.key) for one in found}:
        assert broker.client.produce(topic, [Sent(key, b"{}")])[0][0] == partition


@pytest.fixture
def followed(broker: Broker, prefix: str, programs: tuple[Path, Path]) -> Iterator[tuple[str, Iterator[str]]]:
    """Return a topic of segments, and the lines that the program prints which follows it."""
    topic = broker.client.create_topic(f"{prefix}segments", 1, cleanup_policy="compact")
    command = [sys.executable, str(programs[1]), broker.address, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        yield topic, iter(running.stdout)
        running.kill()


def segment(change_id: str, name: str, size: int | None) -> Sent:
    value: dict[str, Any] = {"change_id": change_id, "id": name, "size": size}
    raw = None if size is None else json.dumps(value).encode()
    return Sent(name.encode(), raw, headers=(("change_id", change_id.encode()),))


def test_the_reader_of_the_page_keeps_the_table_of_segments(
    broker: Broker, followed: tuple[str, Iterator[str]]
) -> None:
    topic, lines = followed
    client = broker.client
    client.produce(topic, [segment("0-0-3", "s9", 1)], transaction="t", commit=False)
    client.produce(topic, [segment("0-0-3", "s1", 5), segment("0-0-4", "s2", 6)], transaction="t")
    assert json.loads(next(lines)) == {"s1": 5, "s2": 6}
    client.produce(topic, [segment("0-0-5", "s1", None), segment("0-0-6", "s3", 7)], transaction="t")
    assert json.loads(next(lines)) == {"s2": 6, "s3": 7}
    client.produce(topic, [segment("0-1-5", "s3", None), segment("0-1-6", "s1", 8)], transaction="t")
    assert next(lines).startswith("epoch 1:")
    assert json.loads(next(lines)) == {"s1": 8, "s2": 6}
