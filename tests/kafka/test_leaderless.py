"""An output partition loses its leader: the partition whose changes go there waits, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from crm_online.step import Topic
from streams.topics import TOPICS
from tests.kafka.service import Service
from tests.kafka.waiting import until
from tests.servers.broker import Broker, need_kafka
from tests.servers.records import Sent

OUTBOX, MANY = 20, 120
SETTINGS = ("kafka.session_timeout=2s", "replay.step=10", f"worker.outbox={OUTBOX}")


def coordinated(broker: Broker, group: str) -> bool:
    """Tell whether a group has a coordinator; who asks first has the topic of the groups' offsets made."""
    try:
        broker.client.group_members(group)
    except KafkaException:
        return False
    return True


@pytest.fixture
def brokers(tmp_path: Path, prefix: str) -> Iterator[tuple[Broker, Broker]]:
    """Start two brokers; on the second is nothing but partition 1 of the rejects."""
    need_kafka()
    first = Broker(tmp_path / "first")
    second = Broker(tmp_path / "second", beside=first)
    with ExitStack() as stack:
        stack.enter_context(first)
        # Kafka's own topics, made as long as there is one broker only.
        first.client.produce(first.client.create_topic(f"{prefix}warm"), [Sent(None, b"")], transaction=prefix)
        until(lambda: coordinated(first, prefix), "no broker coordinates groups")
        stack.enter_context(second)
        for topic in TOPICS:
            nodes = [1, 2] if topic.name == Topic.REJECTS else [1] * topic.partitions(2)
            policy = "compact" if topic.compacted else "delete"
            first.client.create_topic_on(nodes, f"{prefix}{topic.name}", cleanup_policy=policy)
        yield first, second


@pytest.mark.slow
def test_one_output_partition_without_a_leader_stops_no_other_and_no_rebalance(
    brokers: tuple[Broker, Broker], prefix: str, tmp_path: Path
) -> None:
    first, second = brokers
    rejects = [Sent(None, b"no event", partition=partition) for partition in (0, 1) for _ in range(MANY)]
    with Service(first, tmp_path, prefix, SETTINGS, partitions=2) as service:
        worker = service.worker().wait_ready()
        second.kill()
        first.client.produce(service.events, rejects)

        def until_at(at: Mapping[int, int]) -> None:
            until(
                lambda: (service.positions() or {}).items() >= at.items(),
                lambda: f"the partitions are at {service.positions()}: {worker.last_lines()}",
            )

        until_at({0: MANY})
        positions = service.positions()
        assert positions is not None
        assert positions[1] <= 2 * OUTBOX, "its outbox is full"
        other = service.worker()
        until(lambda: first.client.group_members(service.group) == 2, other.last_lines)
        first.client.produce(service.events, rejects[:MANY])
        until_at({0: 2 * MANY})
        second.start()
        until_at({0: 2 * MANY, 1: MANY})
        until(lambda: len(service.outputs().records[Topic.REJECTS]) == 3 * MANY, worker.last_lines)
        assert list(service.outputs().faults_of_order()) == []
        for one in (worker, other):
            assert one.stop() == 0
            assert "Traceback" not in one.log.read_text()
