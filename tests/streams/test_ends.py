"""Each step stores where the log ends: whoever reads the state sees its lag."""

from __future__ import annotations

import json

import pytest

from crm_online.lookup import Lookup
from crm_online.pipeline import PartitionPipeline
from crm_online.settings import Settings
from crm_online.store import Store
from crm_online.store.keys import ENDS
from streams.partition import PartitionProcessor, RecordBatch
from tests.servers.embedded import admin, emptied
from tests.streams.driver import Sent

TOPIC = "crm.events"
VIEW = json.dumps({"type": "view", "customer_id": "ann", "time": "2024-01-01", "item": "tea"}).encode()
LOG = [Sent(offset, b"ann", VIEW, 1_704_067_200_000) for offset in range(5)]


@pytest.fixture
def store(redis: Store) -> Store:
    emptied(redis).initialise(1, json.dumps(Settings().shaping()), f"kafka:{TOPIC}")
    return redis


def test_the_end_of_the_log_is_stored_with_the_position_and_is_no_part_of_the_digest(store: Store) -> None:
    now = 0.0
    partition = PartitionProcessor(PartitionPipeline(store, Settings(), 0, 1), TOPIC, Settings(), lambda: now)

    def end() -> tuple[int | None, dict[bytes, bytes]]:
        return partition.position, dict(store.partition(0).hash_all(ENDS))

    partition.step(RecordBatch(0, 2, LOG[:2], 3))
    assert end() == (2, {TOPIC.encode(): b"5"})
    partition.step(RecordBatch(2, 5, LOG[2:], 0))
    assert end() == (5, {TOPIC.encode(): b"5"})
    digest = Lookup(store).verify()["digest"]
    with admin(store) as client:
        client.hset("{crm:0}:ends", TOPIC, "9")
    assert Lookup(store).verify()["digest"] == digest
    now = 3600.0
    partition.tick()
    assert end() == (5, {TOPIC.encode(): b"5"}), "idle, the position is the end"
