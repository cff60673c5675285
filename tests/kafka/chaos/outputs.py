"""What stands on the output topics: each change once and in its place, and at the end what the state says."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import redis

from tests.servers.client import KafkaClient
from tests.servers.records import Record

TOPICS = ("segment-changes", "segments", "rules", "rejects", "drift", "predictions")
Change = tuple[int, int]
"""Epoch and sequence number."""


@dataclass(frozen=True)
class Outputs:
    """The committed records of the output topics, by topic."""

    records: Mapping[str, Sequence[Record]]

    @classmethod
    def read(cls, client: KafkaClient, prefix: str) -> Outputs:
        """Read all of them."""
        return cls({topic: client.read(prefix + topic) for topic in TOPICS})

    def epochs(self) -> int:
        """Return how often a new epoch began, over all partitions."""
        return sum(max(epoch for epoch, _ in changes) for changes in self._changes().values())

    def faults_of_order(self) -> Iterator[str]:
        """Say where changes are missing, doubled or out of order; a new epoch begins behind some change of the last."""
        for topic, records in self.records.items():
            last: dict[int, Change] = {}
            for record in records:
                change = change_of(record)
                if change <= last.get(record.partition, (0, 0)):
                    yield f"{topic}-{record.partition}: {change} follows {last[record.partition]}"
                last[record.partition] = change
        for partition, changes in self._changes().items():
            yield from _faults(partition, sorted(changes), len(changes) - len(set(changes)))

    def differences_to_state(self, customers: pd.DataFrame, server: redis.Redis) -> Iterator[str]:
        """Say where the last value of a key is not what the state holds, or the customers of its export."""
        held = {
            str(name): segment for name, segment in zip(customers["customer_id"], customers["segment"], strict=True)
        }
        held = {name: segment for name, segment in held.items() if isinstance(segment, str)}
        told = {key: json.loads(value)["to"] for key, value in self._last("segment-changes").items() if value}
        yield from _differences("customer", held, {key: segment for key, segment in told.items() if segment})
        rules = _hash(server, "{crm:0}:rules")
        yield from _differences("rule", rules, {key: raw for key, raw in self._last("rules").items() if raw})
        segments = {key: _told(json.loads(raw)) for key, raw in _hash(server, "{crm:0}:segments").items()}
        last = {key: json.loads(raw) for key, raw in self._last("segments").items() if raw}
        yield from _differences("segment", segments, {key: _told_by(value) for key, value in last.items()})

    def _last(self, topic: str) -> dict[str, bytes | None]:
        return {(record.key or b"").decode(): record.value for record in self.records[topic]}

    def _changes(self) -> dict[int, list[Change]]:
        changes: defaultdict[int, list[Change]] = defaultdict(list)
        for records in self.records.values():
            for record in records:
                changes[record.partition].append(change_of(record))
        return changes


def change_of(record: Record) -> Change:
    """Return epoch and number of a record; those of its value must be the same."""
    partition, epoch, sequence = record.header["change_id"].split("-")
    assert int(partition) == record.partition
    if record.value is not None:
        assert json.loads(record.value)["change_id"] == record.header["change_id"]
    return int(epoch), int(sequence)


def _faults(partition: int, changes: Sequence[Change], doubled: int) -> Iterator[str]:
    if doubled:
        yield f"partition {partition}: {doubled} changes are there twice"
    last = (0, 0)
    for epoch, sequence in changes:
        if epoch == last[0] and sequence != last[1] + 1:
            yield f"partition {partition}: {epoch}-{sequence} follows {last[0]}-{last[1]}: changes are missing"
        if epoch > last[0] and sequence > last[1] + 1:
            yield f"partition {partition}: epoch {epoch} begins at {sequence}, but the last ended at {last[1]}"
        last = epoch, sequence


def _hash(server: redis.Redis, key: str) -> dict[str, bytes]:
    found = server.hgetall(key).items()
    return {name.decode(): raw for name, raw in found if isinstance(name, bytes) and isinstance(raw, bytes)}


def _told(value: Mapping[str, object]) -> tuple[object, object]:
    return value["size"], value["version"]


def _told_by(value: Mapping[str, object]) -> tuple[object, object]:
    return value["size"], value["model_version"]


def _differences(what: str, held: Mapping[str, object], told: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(held.keys() | told.keys()):
        if held.get(key) != told.get(key):
            yield f"{what} {key}: the state says {held.get(key)!r:.200}, consumers were told {told.get(key)!r:.200}"
