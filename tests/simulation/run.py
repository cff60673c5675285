"""One simulated run: workers over a shop's log while things go wrong, and then the books are checked."""

from __future__ import annotations

import asyncio
import gc
import json
import random as global_random
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

import pytest
from aiokafka import TopicPartition

from crm_online.lookup.frames import itemsets_frame
from crm_online.lookup.lookup import Lookup
from crm_online.settings import Settings
from crm_online.step import Topic
from streams import consumer, fetching, publisher
from streams.commands import events_topic_records
from streams.topics import COMMANDS, EVENTS, OUTPUTS, partition_of, topic_name
from tests.kafka.chaos.outputs import Outputs
from tests.kafka.comparing import compare_frames
from tests.kafka.oracle import milliseconds, recount
from tests.kafka.waiting import work_left
from tests.servers.records import Record
from tests.simulation.broker import Group, SimulatedBroker
from tests.simulation.clients import Network, SimulatedConsumer, SimulatedProducer, simulated
from tests.simulation.faults import Faults
from tests.simulation.loop import SimulatedLoop
from tests.simulation.operator import Operator
from tests.simulation.shop import END, encoded, events
from tests.simulation.store import SimulatedRedis
from tests.simulation.worker import SimulatedWorker
from tests.simulation.zombies import Zombies

PARTITIONS = 3
WORKERS = 3
CUSTOMERS = 30
EVENTS_SENT = 240
SECONDS = 40.0
"""How long events come, and things go wrong, in simulated time."""
SETTLE_SECONDS = 600.0
SUPPORT = 0.05
SESSION = 3.0
_QUIET = 0.1
_TOGETHER = 4
"""Events that come at once, in the mean."""
_KINDS = ("kill", "stop", "cut off", "copy", "put back", "lose a moment", "stop at a request", "overtake")
"""What happens to processes, Redis and broker: each run draws which of them more often."""
_TAKEN_BACK = 0.5
"""Share of runs in which an operator takes the state back: all is published anew then, which hides what was lost."""
SETTINGS = Settings.from_keys(
    {
        "replay.partitions": PARTITIONS,
        "replay.step": 20,
        "kafka.session_timeout": "3s",
        "kafka.tick": "1s",
        "itemsets.epsilon": 0,
        "itemsets.half_life": "none",
        "itemsets.min_support": SUPPORT,
        "segments.min_customers": 15,
        "segments.k": 3,
        "segments.starts": 1,
        "rules.every": 30,
    }
)


@dataclass
class Outcome:
    """What a run did, and what is wrong at its end.

    Attributes
    ----------
    seed
        What everything was drawn from.
    faults
        What went wrong, by kind.
    epochs
        How often a new epoch began.
    wrong
        What the books say; empty if all is right.
    digest
        A hash of all that was published and committed, in order: the same for the same seed.
    """

    seed: int
    faults: Counter[str]
    epochs: int = 0
    wrong: list[str] = field(default_factory=list)
    digest: str = ""


class Simulation:
    """Workers, a broker and a Redis on one event loop.

    Parameters
    ----------
    seed
        What everything is drawn from.
    path
        The unix socket of a Redis that nobody else uses.
    """

    def __init__(self, seed: int, path: str) -> None:
        self._random = Random(seed)
        self.faults = Faults(Random(self._random.random()))
        self.loop = SimulatedLoop(Random(self._random.random()))
        prefix = SETTINGS.kafka.prefix
        topics = {topic_name(prefix, EVENTS): PARTITIONS, topic_name(prefix, COMMANDS): 1}
        topics |= {topic_name(prefix, topic): OUTPUTS[topic].partitions(PARTITIONS) for topic in Topic}
        self.broker = SimulatedBroker(topics)
        self._events_topic = topic_name(prefix, EVENTS)
        group = Group([TopicPartition(self._events_topic, number) for number in range(PARTITIONS)], SESSION)
        self.network = Network(self.broker, group, self.loop, self.faults)
        self.redis = SimulatedRedis(path, self.loop, self.faults)
        self.outcome = Outcome(seed, self.faults.counts)
        self.workers = [
            SimulatedWorker(f"worker-{number}", self.loop, self.redis, SETTINGS, self._failed)
            for number in range(WORKERS)
        ]
        self.zombies = Zombies(self.network, self.redis, self.workers, self._events_topic)
        self._log: list[dict[str, object]] = []
        self._is_over = False

    def run(self) -> Outcome:
        """Run to the end."""
        with _in(self.loop, self.network):
            shaping = json.dumps(SETTINGS.shaping(), sort_keys=True)
            store = self.redis.reliable_store()
            store.initialise(PARTITIONS, shaping, f"kafka:{self._events_topic}", repeatable=True)
            self.loop.run_until_complete(self._go())
        self._is_over = True
        self.redis.close()
        return self.outcome

    async def _go(self) -> None:
        for worker in self.workers:
            worker.start()
        await asyncio.gather(self._send(), self._disturb())
        self.faults.on = self.broker.down = False
        for worker in self.workers:
            self.loop.release(worker.process)
        end = json.dumps({"command": "tick", "time": END}).encode()
        for record in events_topic_records(end, 0, PARTITIONS):
            self._append(record.partition, record.key, record.value, record.headers)
        if await self._settled():
            self.outcome.wrong += self._wrong()

    async def _send(self) -> None:
        """Let events come, some of them in transactions, of which some are aborted."""
        random = Random(self._random.random())
        for event in events(random, CUSTOMERS, EVENTS_SENT):
            if random.random() < 1 / _TOGETHER:
                await asyncio.sleep(random.expovariate(EVENTS_SENT / SECONDS / _TOGETHER))
            while self.zombies.quiet:
                await asyncio.sleep(_QUIET)
            key = str(event["customer_id"]).encode()
            number = partition_of(key, PARTITIONS)
            if random.random() < 0.05:
                producer = self.broker.begin_producer("shop")
                place = TopicPartition(self._events_topic, number)
                self.broker.append(place, key, b'{"aborted": true}', producer=producer)
                await asyncio.sleep(random.choice([0.0, 0.5]))
                self.broker.end_transaction(producer, commit=False)
            self._append(number, key, encoded(event))
            self._log.append(event)

    def _append(
        self, number: int, key: bytes | None, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        place = TopicPartition(self._events_topic, number)
        self.broker.append(place, key, value, headers, timestamp=milliseconds(END))

    async def _disturb(self) -> None:
        """Kill, stop, cut off and put back, for as long as events come."""
        random, until = Random(self._random.random()), self.loop.time() + SECONDS
        pause = random.choice([0.3, 1.0, 3.0])
        faults = [kind for kind in _KINDS for _ in range(random.choice([1, 1, 3]))]
        if random.random() < _TAKEN_BACK:
            faults.append("undo")
        copy, operator = self.redis.copy(), Operator(self.loop, self.redis, SETTINGS, milliseconds(END), self.faults)
        while self.loop.time() < until:
            await asyncio.sleep(random.expovariate(1 / pause))
            worker = random.choice(self.workers)
            match random.choice(faults):
                case "kill":
                    self.faults.count("worker killed")
                    worker.kill()
                    self.loop.call_later(random.uniform(0, 2), worker.start)
                    await asyncio.sleep(2)
                case "stop":
                    self.faults.count("worker stopped")
                    self.loop.hold(worker.process)
                    self.loop.call_later(random.uniform(0, 2 * SESSION), self.loop.release, worker.process)
                case "cut off":
                    self.faults.count("broker down")
                    self.broker.down = True
                    await asyncio.sleep(random.uniform(0, SESSION))
                    self.broker.down = False
                case "copy":
                    await operator.finished()  # who put half of it back would call again
                    copy = self.redis.copy()
                case "undo":
                    operator.undo(random.random())
                case "put back":
                    await operator.finished()
                    self.faults.count("redis put back")
                    self.redis.put_back(copy)
                case "lose a moment":
                    await operator.finished()
                    copy = self.redis.copy()
                    await asyncio.sleep(random.expovariate(2))
                    self.faults.count("redis put back a moment")
                    self.redis.put_back(copy)
                case "stop at a request":
                    self.zombies.stop_next(random)
                case "overtake":
                    await operator.finished()
                    await self.zombies.overtake(random)
        await operator.finished()

    async def _settled(self) -> bool:
        """Wait until nothing is left to do; return whether that came about."""
        until = self.loop.time() + SETTLE_SECONDS
        left: list[str] = []
        while self.loop.time() < until:
            await asyncio.sleep(0.5)
            left = work_left(self.redis.admin, PARTITIONS, milliseconds(END))
            if not left and all(worker.at_rest for worker in self.workers) and self._claimed() == PARTITIONS:
                return True
        self.outcome.wrong.append(f"not at rest after {SETTLE_SECONDS:.0f} s: {'; '.join(left)}")
        return False

    def _claimed(self) -> int:
        return sum(len(worker.consumer.manager.assigned) for worker in self.workers if worker.consumer)

    def _failed(self, error: Exception) -> None:
        if not self._is_over:  # what is left of killed processes ends when it is collected
            self.outcome.wrong.append(f"a worker ended with {''.join(traceback.format_exception(error))}")

    def _wrong(self) -> Iterator[str]:
        store = self.redis.reliable_store()
        lookup, when = Lookup(store), milliseconds(END)
        customers = lookup.customers_frame(when)
        outputs = Outputs({topic: self._committed(topic) for topic in OUTPUTS})
        self.outcome.epochs, self.outcome.digest = outputs.epochs(), _digest(outputs)
        yield from outputs.faults_of_order()
        yield from outputs.differences_to_state(customers, self.redis.admin)
        verified = lookup.verify()["differences"]
        assert isinstance(verified, list)
        yield from map(str, verified)
        yield from compare_frames(customers, itemsets_frame(lookup.itemsets(when)), recount(self._log, END), SUPPORT)

    def _committed(self, topic: Topic) -> list[Record]:
        name = topic_name(SETTINGS.kafka.prefix, topic)
        return [
            Record(slot.partition, slot.offset, slot.timestamp, slot.key, slot.value, slot.headers)
            for number in range(self.broker.topics[name])
            for slot in self.broker.logs[TopicPartition(name, number)].committed(0, 1 << 40)
        ]


def _digest(outputs: Outputs) -> str:
    digest = blake2b(digest_size=8)
    for topic, records in outputs.records.items():
        digest.update(topic.encode())
        for record in records:
            digest.update(repr((record.partition, record.offset, record.key, record.value)).encode())
    return digest.hexdigest()


@contextmanager
def _in(loop: SimulatedLoop, network: Network) -> Iterator[None]:
    """Have the workers' own code run on the simulation's loop, clock and clients."""
    collecting = gc.isenabled()
    gc.disable()  # what is collected would end at moments that no seed decides
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", loop.time)
        patch.setattr(consumer, "AIOKafkaConsumer", simulated(SimulatedConsumer, network))
        patch.setattr(fetching, "AIOKafkaConsumer", simulated(SimulatedConsumer, network))
        patch.setattr(publisher, "AIOKafkaProducer", simulated(SimulatedProducer, network))
        global_random.seed(0)  # the pauses of tenacity
        asyncio.set_event_loop(loop)
        try:
            yield
        finally:
            asyncio.set_event_loop(None)
            if collecting:
                gc.enable()
