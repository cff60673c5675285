"""Every example of docs/events.md is what it says, and its figures are those of the topics."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from crm_online.events.models import EVENT
from crm_online.settings import Settings
from crm_online.settings.units import DAY
from crm_online.values import Drift, PredictionChange, Reject, Rule, Segment, SegmentChange
from streams.commands import COMMAND
from streams.records import decode
from streams.topics import TOPICS, topic_name
from tests.docs import fenced
from tests.docs.asyncapi import Document

VALUES: dict[str, tuple[type[BaseModel], str]] = {
    "position": (Reject, "reject"),
    "deviations": (Drift, "drift"),
    "reasons": (PredictionChange, "prediction"),
    "reason": (SegmentChange, "segmentChange"),
    "centroid": (Segment, "segment"),
    "antecedent": (Rule, "rule"),
}
"""By a field that only it has, the model of a value, and the name of its message."""


@dataclass(frozen=True)
class Raw:
    """A record as a consumer gives it."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 1_800_000_000_000
    headers: tuple[tuple[str, bytes], ...] = ()


@pytest.fixture(scope="module")
def examples(root: Path) -> list[dict[str, Any]]:
    """Return the JSON examples of the page, in order."""
    texts = [text for language, text in fenced.blocks(root / "docs" / "events.md") if language == "json"]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def kind(value: dict[str, Any]) -> str:
    """Return the name of the message that a value is, after validating it."""
    if "type" in value:
        event = EVENT.validate_python(value)
        assert not event.model_extra
        return event.type
    if "command" in value:
        command = COMMAND.validate_python(value)
        return f"{command.command}Command"
    for name, (model, message) in VALUES.items():
        if name in value:
            model.model_validate(value)
            return message
    raise AssertionError(f"nothing that there is: {value}")


def test_there_is_an_example_of_every_kind_of_record_and_each_is_valid(
    examples: list[dict[str, Any]], root: Path
) -> None:
    document = Document((root / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    for value in examples:
        assert list(document.validator(kind(value)).iter_errors(value)) == []
    messages = document.content["components"]["messages"].items()
    controls = {name for name, message in messages if "control" in message.get("headers", {}).get("properties", {})}
    tombstones = {name for name, message in messages if message["payload"] == {"type": "null"}}
    assert set(map(kind, examples)) == set(dict(messages)) - controls - tombstones
    moves = [value["reason"] for value in examples if kind(value) == "segmentChange"]
    assert moves == ["event", "lapse", "refit", "erase", "rewind"]


def test_the_rejected_record_is_rejected_for_that_reason(examples: list[dict[str, Any]]) -> None:
    (value,) = [value for value in examples if kind(value) == "reject"]
    topic, partition, offset = value["position"].split(":")
    found = decode([Raw(int(offset), value["raw"].encode())], topic, int(partition), None)
    assert {"change_id": value["change_id"], **found.rejects[0].value()} == value


def test_the_table_of_topics_is_theirs(root: Path) -> None:
    page = (root / "docs" / "events.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:3] == "| `"]
    told = {cells[0].strip("`"): cells[1:] for cells in rows if len(cells) == 5}
    kafka = Settings().kafka
    for topic in TOPICS:
        name = topic_name(kafka.prefix, topic)
        _, key, partitions, kept = told.pop(name)
        assert key.startswith(re.split(r"[;,]| in UTF-8", topic.key)[0])
        assert (str(topic.partitions(kafka.partitions)) in partitions) or (topic.partitioned and "as `" in partitions)
        days = int(topic.configuration.get("retention.ms", 0)) // DAY
        assert kept == ("compacted" if topic.compacted else f"{days} day{'s' if days > 1 else ''}")
        if topic.compacted:
            assert f"{int(topic.configuration['delete.retention.ms']) // DAY}\ndays (`delete.retention.ms`)" in page
    assert not told
