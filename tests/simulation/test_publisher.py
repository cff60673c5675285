"""A change is on its topic once, whichever two requests in a row go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from random import Random

import pytest
from aiokafka import TopicPartition

from crm_online.settings import KafkaSettings
from crm_online.step import ChangeId, Entry, Topic
from streams import fetching, publisher
from streams.context import RetryPolicy
from streams.health import Health
from streams.metrics import WorkerMetrics
from streams.publisher import Publisher
from streams.topics import OUTPUTS, topic_name
from tests.simulation.broker import Group, SimulatedBroker
from tests.simulation.clients import Network, SimulatedConsumer, SimulatedProducer, simulated
from tests.simulation.faults import Fate, Faults
from tests.simulation.loop import SimulatedLoop

KAFKA = KafkaSettings()
TOPICS = {topic_name(KAFKA.prefix, topic): OUTPUTS[topic].partitions(1) for topic in Topic}
SENDING = 2
"""Requests in which a change is sent: the record, and the end of its transaction."""
OPENING = 16
"""At least as many requests as those in which a publisher is opened."""


@dataclass
class Scripted(Faults):
    """What happens to the first requests once it is on, one after the other."""

    random: Random = field(default_factory=lambda: Random(1))
    fates: Sequence[Fate] = ()
    asked: int = 0
    on: bool = False

    def fate(self, of: str) -> Fate:
        """Give what is written for the next request."""
        self.asked += self.on
        return self.fates[self.asked - 1] if 0 < self.asked <= len(self.fates) else Fate.DONE


def published(faults: Scripted, patch: pytest.MonkeyPatch) -> list[bytes | None]:
    """Publish one change over a network with faults, and return the keys that are on its topic then."""
    loop, broker = SimulatedLoop(Random(1)), SimulatedBroker(TOPICS)
    network = Network(broker, Group([], 3.0), loop, faults)
    patch.setattr(fetching, "AIOKafkaConsumer", simulated(SimulatedConsumer, network))
    patch.setattr(publisher, "AIOKafkaProducer", simulated(SimulatedProducer, network))
    metrics = WorkerMetrics()
    retry = RetryPolicy(Health(), metrics)

    async def ours() -> bool:
        return True

    async def run() -> None:
        last = ChangeId(0, 0, 0)
        one = Publisher(0, KAFKA, lambda _: None, ours, metrics, retry)
        await retry.run(lambda: one.open(last), Exception, "broker", "opening")
        faults.on = True
        publishing = loop.create_task(one.run())
        one.enqueue([Entry(Topic.SEGMENT_CHANGES, "ann", b'{"to": "s1"}', ChangeId(0, 0, 1))])
        await one.wait_for_backlog(0)
        publishing.cancel()
        await one.close()

    with closing(loop):
        loop.run_until_complete(run())
    log = broker.logs[TopicPartition(topic_name(KAFKA.prefix, Topic.SEGMENT_CHANGES), 0)]
    return [record.key for record in log.committed(0, len(log.slots))]


@pytest.mark.parametrize("first", [Fate.LOST, Fate.UNANSWERED, Fate.LATE])
@pytest.mark.parametrize("second", [Fate.LOST, Fate.UNANSWERED, Fate.LATE])
def test_a_change_is_published_once_whichever_requests_go_wrong(
    first: Fate, second: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for of_sending in range(SENDING):
        for after in range(OPENING):
            fates = [*[Fate.DONE] * of_sending, first, *[Fate.DONE] * after, second]
            assert published(Scripted(fates=fates), monkeypatch) == [b"ann"], (of_sending, after)
