"""How fast each way goes through a log that is on the topic."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.kafka.site import PARTITIONS, PREFIX, TOPIC, Run, Site
from benchmarks.plain_replay import TAKEN
from tests.conftest import ROOT
from tests.servers.redis_server import RedisServer
from tests.servers.server import Program
from tests.servers.workers import Worker

_TIMES = 5


def worker_run(site: Site, events: int, name: str) -> Run:
    """Let a worker take the whole log: committed in Redis, changes published."""
    with site.redis(name) as server, running_worker(site, server, name) as worker:
        return site.watched(
            worker.pid,
            lambda: worker.running,
            server,
            lambda: positions(server),
            events,
            lambda: worker.metric("crm_online_outbox_length") == 0,
        )


def app_run(site: Site, module: str, python: str, events: int, name: str) -> Run:
    """Let a plain app take the first events of the log, each written to Redis."""
    with site.redis(name) as server:
        command = [python, "-m", module, site.broker.address, TOPIC, server.url]
        env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        with Program(command, site.folder / f"{name}.log", cwd=site.folder, env=env) as app:
            return site.watched(app.pid, lambda: app.running, server, lambda: int(server.admin.get(TAKEN) or 0), events)


def raw_rate(site: Site, events: int) -> float:
    """Return how many events a second aiokafka alone fetches, over the whole log some times."""
    numbers = map(str, (PARTITIONS, events, site.settings.replay.step, _TIMES))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka.raw_app", site.broker.address, TOPIC, *numbers],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found["events"] / found["wall"]


@contextmanager
def running_worker(
    site: Site, server: RedisServer, name: str, *settings: str, prefix: str = PREFIX
) -> Iterator[Worker]:
    """Run a worker, ready."""
    worker = Worker(
        site.folder, brokers=site.broker.address, state=server.url, prefix=prefix, settings=settings, name=name
    )
    with worker:
        yield worker.wait_ready()


def positions(server: RedisServer, topic: str = TOPIC) -> int:
    """Return how many records of the topic are committed, over all partitions."""
    return sum(int(server.admin.hget(f"{{crm:{number}}}:positions", topic) or 0) for number in range(PARTITIONS))
