"""How long from an event to the change that it causes, under a steady load.

A simulated shop's past is on the topic and taken; then its next events come as they happen, each dated now. Some are
of new customers, whose first event always moves them: into their first segment. A change names the event that caused
it, so the two are matched by the event's id; both ends are on one clock.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from benchmarks.clock import others_so_far
from benchmarks.kafka.site import PARTITIONS, Site, Topics
from benchmarks.kafka.throughput import positions, running_worker
from crm_online.events.times import to_iso
from crm_online.simulate import simulate
from tests.servers.records import Sent
from tests.servers.redis_server import RedisServer
from tests.servers.workers import Worker

_TOPICS = Topics("latency.")
EVENTS, CHANGES = _TOPICS.events, f"{_TOPICS.prefix}segment-changes"
RATE = 1000
"""Events a second."""
_EACH = 25
NEW = 20
"""One event in so many is a new customer's."""
_SETTLED_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """The shop's customers; for how many seconds events come before any is counted, and for how many they are."""

    customers: int
    before: int
    counted: int


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds from event to change in ascending order; events a second that were sent; processors that others took."""

    seconds: Sequence[float]
    rate: float
    others: float

    def quantile(self, share: float) -> float:
        """Return the time in ms within which that share of the changes came."""
        return self.seconds[min(int(share * len(self.seconds)), len(self.seconds) - 1)] * 1000


def measure(site: Site, sizes: Sizes) -> Found:
    """Measure the changes that events caused, without those of the first seconds.

    Raises
    ------
    RuntimeError
        If a new customer's first event has caused no change: then what did come tells nothing.
    """
    before, coming = sizes.before * RATE, (sizes.before + sizes.counted) * RATE
    events = [json.loads(line) for line in simulate(sizes.customers, sizes.customers * _EACH).lines()]
    past, future = events[:-coming], events[-coming:]
    for number, event in enumerate(future[::NEW]):
        event["customer_id"] = f"new{number}"
    with (
        site.redis("latency") as server,
        running_worker(site, server, "latency", _TOPICS) as worker,
    ):
        site.broker.client.produce(EVENTS, _dated(past))
        _wait_until_settled(site, server, worker)
        with Arrivals(site.broker.address) as arrivals:
            wall, others = time.perf_counter(), others_so_far()
            sent = _send(site.broker.address, future)
            others = (others_so_far() - others) / (time.perf_counter() - wall)
            _wait_until_settled(site, server, worker)
    came = dict(arrivals.causes())
    missing = [event["event_id"] for event in future[::NEW] if event["event_id"] not in came]
    if missing:
        raise RuntimeError(f"{len(missing)} events of new customers caused no change; the first is {missing[0]}")
    counted = [event["event_id"] for event in future[before:]]
    took = sent[counted[-1]] - sent[counted[0]]
    seconds = sorted(came[name] - sent[name] for name in counted if name in came)
    return Found(seconds, (len(counted) - 1) / took, others)


class Arrivals(threading.Thread):
    """Reads the changes as they come, committed ones only, and notes when that was."""

    def __init__(self, brokers: str) -> None:
        super().__init__(name="arrivals")
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "latency",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        self._over = threading.Event()
        self._found: list[tuple[float, bytes]] = []

    def __enter__(self) -> Arrivals:
        """Begin at the topic's end."""
        places = [TopicPartition(CHANGES, number) for number in range(PARTITIONS)]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=30)[1]
        self._consumer.assign(places)
        self._consumer.poll(0.5)  # so that it has its connections
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop once nothing has come for a while."""
        self._over.set()
        self.join()
        self._consumer.close()

    def run(self) -> None:
        """Read."""
        while True:
            message = self._consumer.poll(0.5)
            if message is None:
                if self._over.is_set():
                    return
            elif (problem := message.error()) is not None:
                raise KafkaException(problem)
            else:
                self._found.append((time.perf_counter(), message.value() or b""))

    def causes(self) -> Iterator[tuple[str, float]]:
        """Yield the id of the event that caused a change, and when the change was there."""
        for at, value in self._found:
            cause = json.loads(value)["cause"]
            if "event_id" in cause:
                yield cause["event_id"], at


def _dated(events: Sequence[dict[str, Any]]) -> Iterator[Sent]:
    """Yield events as records, moved in time so that the last one is now."""
    shift = datetime.now(UTC) - _time(events[-1])
    for event in events:
        yield Sent(_key(event), _value(event, _time(event) + shift))


def _send(brokers: str, events: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Send events at a steady rate, each dated when it is sent; return when that was."""
    producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "partitioner": "murmur2_random"})
    begin, sent = time.perf_counter(), {}
    for number, event in enumerate(events):
        time.sleep(max(begin + number / RATE - time.perf_counter(), 0.0))
        value = _value(event, datetime.now(UTC))
        sent[event["event_id"]] = time.perf_counter()
        producer.produce(EVENTS, value, _key(event))
        producer.poll(0)
    producer.flush(30)
    return sent


def _time(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


def _key(event: dict[str, Any]) -> bytes:
    name: str = event["customer_id"]
    return name.encode()


def _value(event: dict[str, Any], when: datetime) -> bytes:
    return json.dumps(event | {"time": to_iso(int(when.timestamp() * 1000))}).encode()


def _wait_until_settled(site: Site, server: RedisServer, worker: Worker) -> None:
    """Wait until all is taken and published, and every customer has been moved to the model."""
    deadline = time.monotonic() + _SETTLED_SECONDS
    end = sum(site.broker.client.end_offsets(EVENTS).values())
    while positions(server, _TOPICS) < end or not _at_rest(server) or worker.metric("crm_online_outbox_length"):
        if not worker.running or time.monotonic() > deadline:
            raise RuntimeError(f"the worker ended or stands still: {worker.last_lines()}")
        time.sleep(0.05)


def _at_rest(server: RedisServer) -> bool:
    """Tell whether all partitions use one model, and have moved all their customers to it."""
    versions = set()
    for number in range(PARTITIONS):
        state = json.loads(server.admin.get(f"{{crm:{number}}}:engine") or b"{}")
        sums = server.admin.get(f"{{crm:{number}}}:sums")
        if not state or not state["complete"] or state["fit"]["due"] or not isinstance(sums, bytes):
            return False
        versions.add(json.loads(sums.split(b"\n")[0])["version"])
    return len(versions) == 1 and versions != {0}
