"""The broker with a log on a topic, and processes that read it: how fast they go, and what processors they take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import psutil

from benchmarks.clock import others_so_far
from crm_online.events.options import LogOptions
from crm_online.settings import Settings, load_settings
from streams.publish import publish
from tests.servers.broker import Broker
from tests.servers.redis_server import RedisServer

PARTITIONS = 4
_LOOK = 0.02
_MOST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a service: what their names begin with, and how many partitions they have."""

    prefix: str = "bench."
    partitions: int = PARTITIONS

    @property
    def events(self) -> str:
        """Name of the topic of events."""
        return f"{self.prefix}events"

    @property
    def settings(self) -> list[str]:
        """What a service is given to use them."""
        return [f"kafka.prefix={self.prefix}", f"kafka.partitions={self.partitions}"]


TOPICS = Topics()


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the wall, and of processors: of the process, Redis, the broker, and all that is none of ours."""

    wall: float
    own: float
    redis: float
    broker: float
    others: float

    @property
    def cpu(self) -> float:
        """Seconds of processors of the process, Redis and the broker."""
        return self.own + self.redis + self.broker

    def __sub__(self, other: Spent) -> Spent:
        return Spent(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Run:
    """What a way took, from when it had taken its first events: the way to there is no part of it."""

    events: int
    spent: Spent

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.spent.wall

    @property
    def cpu(self) -> float:
        """Seconds of processors an event, all three together."""
        return self.spent.cpu / self.events

    def __add__(self, other: Run) -> Run:
        mine, theirs = self.spent, other.spent
        return Run(
            self.events + other.events,
            Spent(*(one + two for one, two in zip(astuple(mine), astuple(theirs), strict=True))),
        )


@dataclass(frozen=True, slots=True)
class Site:
    """A broker that runs, and a folder for what else is to be."""

    broker: Broker
    folder: Path

    def settings(self, topics: Topics = TOPICS) -> Settings:
        """Return settings for this broker, whatever the environment says."""
        return load_settings(None, [f"kafka.brokers={self.broker.address}", *topics.settings], {}).settings

    def publish(self, log: Path, preset: str, topics: Topics = TOPICS) -> int:
        """Put a log on the topic of events, and return how many events that are."""
        return asyncio.run(publish([log], settings=self.settings(topics), options=LogOptions(preset=preset))).published

    @contextmanager
    def redis(self, name: str) -> Iterator[RedisServer]:
        """Run a Redis with nothing in it."""
        with RedisServer(self.folder / f"redis-{name}") as server:
            yield server

    def spent(self, pid: int, server: RedisServer) -> Spent:
        """Return what was spent so far; only differences mean something."""
        told = server.admin.info("cpu")
        return Spent(
            time.perf_counter(),
            processor_seconds(pid),
            sum(float(told[f"used_cpu_{kind}"]) for kind in ("user", "sys", "user_children", "sys_children")),
            processor_seconds(self.broker.pid),
            others_so_far(),
        )

    def watched(
        self,
        pid: int,
        alive: Callable[[], bool],
        server: RedisServer,
        taken: Callable[[], int],
        until: int,
        finished: Callable[[], bool] = lambda: True,
    ) -> Run:
        """Watch a process from its first events until it has taken so many, and has finished with them."""
        deadline = time.monotonic() + _MOST_SECONDS

        def reached(least: int) -> bool:
            if not alive() or time.monotonic() > deadline:
                raise RuntimeError(f"a process of the benchmark ended or stands still: see {self.folder}")
            return taken() >= least

        while not reached(1):
            time.sleep(_LOOK)
        first, before = taken(), self.spent(pid, server)
        while not (reached(until) and finished()):
            time.sleep(_LOOK)
        return Run(taken() - first, self.spent(pid, server) - before)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, and of children that it waited for."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Run a broker."""
    with Broker(folder / "broker") as broker:
        yield Site(broker, folder)
