"""How fast each way goes through a log that is on the topic."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.clock import Cost
from benchmarks.kafka.site import PARTITIONS, TOPICS, Run, Site, Topics, processor_seconds
from benchmarks.plain_replay import TAKEN
from crm_online.engine.stages import Stage
from tests.conftest import ROOT
from tests.servers.redis_server import RedisServer
from tests.servers.server import Program
from tests.servers.workers import Worker

_TIMES = 5
_PROGRAM = ("-c", "from crm_online.cli import main; main()")
"""What ``crm-online`` runs; a worker that is started by it is no fork of a process that has imported all before."""


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """What a worker took for the whole log, and by stage its microseconds of processor an event."""

    run: Run
    stages: dict[str, float]


def worker_run(site: Site, events: int, name: str, topics: Topics = TOPICS) -> WorkerRun:
    """Let a worker take the whole log: committed in Redis, changes published."""
    with site.redis(name) as server, running_worker(site, server, name, topics) as worker:
        run = site.watched(
            worker.pid,
            lambda: worker.running,
            server,
            lambda: positions(server, topics),
            events,
            lambda: worker.metric("crm_online_outbox_length") == 0,
        )
        spent = {stage.value: worker.metric("crm_online_stage_cpu_seconds_total", stage=stage.value) for stage in Stage}
        return WorkerRun(run, {stage: seconds / events * 1e6 for stage, seconds in spent.items()})


def start(site: Site, name: str) -> Cost:
    """Start a worker as people do, and return what that took until it was ready: wall time, and its own processor's."""
    with site.redis(name) as server:
        began = time.perf_counter()
        with _worker(site, server, name, TOPICS, entry=_PROGRAM) as worker:
            worker.wait_ready()
            return Cost(time.perf_counter() - began, processor_seconds(worker.pid))


def app_run(site: Site, module: str, python: str, events: int, name: str) -> Run:
    """Let a plain app take the first events of the log, each written to Redis."""
    with site.redis(name) as server:
        command = [python, "-m", module, site.broker.address, TOPICS.events, server.url]
        env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        with Program(command, site.folder / f"{name}.log", cwd=site.folder, env=env) as app:
            return site.watched(app.pid, lambda: app.running, server, lambda: int(server.admin.get(TAKEN) or 0), events)


def raw_rate(site: Site, events: int) -> float:
    """Return how many events a second aiokafka alone fetches, over the whole log some times."""
    numbers = map(str, (PARTITIONS, events, site.settings().replay.step, _TIMES))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka.raw_app", site.broker.address, TOPICS.events, *numbers],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found["events"] / found["wall"]


@contextmanager
def running_worker(site: Site, server: RedisServer, name: str, topics: Topics = TOPICS) -> Iterator[Worker]:
    """Run a worker, ready."""
    with _worker(site, server, name, topics) as worker:
        yield worker.wait_ready()


def positions(server: RedisServer, topics: Topics = TOPICS) -> int:
    """Return how many records of the topic of events are committed, over all partitions."""
    keys = (f"{{crm:{number}}}:positions" for number in range(topics.partitions))
    return sum(int(server.admin.hget(key, topics.events) or 0) for key in keys)


def _worker(
    site: Site, server: RedisServer, name: str, topics: Topics, entry: Sequence[str] = ("-m", "crm_online")
) -> Worker:
    return Worker(
        site.folder,
        brokers=site.broker.address,
        state=server.url,
        prefix=topics.prefix,
        settings=topics.settings,
        name=name,
        entry=entry,
    )
