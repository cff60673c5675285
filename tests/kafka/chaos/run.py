"""A chaos run: three workers under load, faults from a seed, and then the books are checked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import pandas as pd

from tests.command import crm_online, printed
from tests.kafka.chaos.faults import System, drawn
from tests.kafka.chaos.outputs import Outputs
from tests.kafka.comparing import compare
from tests.kafka.oracle import milliseconds, recount
from tests.kafka.waiting import positions, until_at_rest, until_read
from tests.servers.broker import Broker
from tests.servers.records import Sent
from tests.servers.redis_server import RedisServer
from tests.servers.workers import Worker

PARTITIONS = 4
WORKERS = 3
TOLD_WITHIN = 60.0
"""Seconds within which what is told last is what the state says, once all is at rest."""
END = "2026-02-01T00:00:00Z"
"""Behind the log of ``simulate``, and behind the time at which its last baskets are whole."""
SETTINGS = (
    "kafka.tick=1s",
    f"kafka.partitions={PARTITIONS}",
    "itemsets.epsilon=0",
    "itemsets.half_life=none",
    "segments.min_customers=200",
    "rules.every=500",
)


@dataclass(frozen=True)
class Conditions:
    """Under what a run goes on.

    Attributes
    ----------
    rate
        Events a second while things go wrong; what is left then comes as fast as it can.
    session
        Seconds after which a silent worker is taken for dead.
    settle
        Seconds within which all must be read, and then be at rest, once nothing goes wrong any more.
    entry
        What Python runs as a worker: a script for a fence switched off.
    """

    rate: float = 250.0
    session: int = 3
    settle: float = 90.0
    entry: Sequence[str] = ("-m", "crm_online")


@dataclass(frozen=True)
class Report:
    """What a run did, and what is wrong at its end."""

    seed: int
    faults: Mapping[str, int]
    events: int
    epochs: int
    seconds: float
    wrong: Sequence[str]

    @property
    def summary(self) -> str:
        """All of it in a line."""
        faults = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.faults.items()))
        wrong = "nothing wrong" if not self.wrong else f"WRONG: {len(self.wrong)}, such as {self.wrong[0]:.300}"
        done = f"{self.events} events, {faults or 'no faults'}; {self.epochs} epochs began; {self.seconds:.0f} s"
        return f"seed {self.seed}: {done}; {wrong}"


def run(
    seed: int,
    log: Path,
    folder: Path,
    course: Callable[[System, Random], None],
    conditions: Conditions = Conditions(),
) -> Report:
    """Run three workers over a log while things go wrong.

    Parameters
    ----------
    seed
        What the faults are drawn from.
    log
        Native events, one a line.
    folder
        For what the processes write.
    course
        What goes wrong, from the moment when all are ready; once it has returned, nothing does.
    conditions
        Under what.
    """
    random, began, prefix = Random(seed), time.monotonic(), f"chaos-{seed}."
    records = list(sent(log))
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(folder / "broker"))
        server = stack.enter_context(RedisServer(folder / "redis"))
        workers = [
            Worker(
                folder,
                brokers=broker.address,
                state=server.url,
                prefix=prefix,
                settings=[*SETTINGS, f"kafka.group=chaos-{seed}", f"kafka.session_timeout={conditions.session}s"],
                name=f"worker-{number}",
                entry=conditions.entry,
            )
            for number in range(WORKERS)
        ]
        for worker in workers:
            stack.enter_context(worker)
        for worker in workers:
            worker.wait_ready(conditions.settle)

        system = System(
            broker, server, workers, folder, conditions.session, lambda: positions(server, prefix, PARTITIONS)
        )
        hurry = threading.Event()
        load = threading.Thread(
            target=broker.client.produce, args=(f"{prefix}events", _paced(records, conditions.rate, hurry))
        )
        load.start()
        try:
            course(system, random)
        finally:
            hurry.set()
        load.join()
        broker.client.produce(f"{prefix}commands", [Sent(None, json.dumps({"command": "tick", "time": END}).encode())])
        try:
            until_read(broker.client, server, prefix, conditions.settle)
            until_at_rest(server, PARTITIONS, milliseconds(END), workers, conditions.settle)
            wrong = list(_wrong(system, prefix, records, server))
        except AssertionError as error:
            wrong = [str(error), *(worker.last_lines() for worker in workers)]
        outputs = Outputs.read(broker.client, prefix)
        return Report(seed, system.counts, len(records), outputs.epochs(), time.monotonic() - began, wrong)


def in_turn(faults: int) -> Callable[[System, Random], None]:
    """Return a course of so many faults, one soon after the other."""

    def course(system: System, random: Random) -> None:
        for kind in islice(drawn(random), faults):
            system.befall(kind, random)
            system.wait_for_progress(random.uniform(0.0, 1.5))

    return course


def simulated(folder: Path, events: int) -> Path:
    """Write the log of a made shop."""
    log = folder / "log.jsonl"
    chosen = ["--customers", "1000", "--events", str(events), "--seed", "5"]
    printed(folder, "simulate", *chosen, "--out", str(log))
    return log


def sent(log: Path) -> Iterator[Sent]:
    """Yield the records of a log of native events, under their keys."""
    for line in log.read_bytes().splitlines():
        event = json.loads(line)
        key = event.get("customer_id") or event.get("basket_id") or event["event_id"]
        yield Sent(key.encode(), line)


def _paced(records: Sequence[Sent], rate: float, hurry: threading.Event) -> Iterator[Sent]:
    begin = time.monotonic()
    for number, record in enumerate(records):
        hurry.wait(max(begin + number / rate - time.monotonic(), 0.0))
        yield record


def _wrong(system: System, prefix: str, records: Sequence[Sent], server: RedisServer) -> Iterator[str]:
    export = system.folder / "export"
    deadline = time.monotonic() + TOLD_WITHIN
    while True:
        printed(system.folder, "export", str(export), "--state", server.url, "--as-of", END)
        outputs = Outputs.read(system.broker.client, prefix)
        differences = list(outputs.differences_to_state(pd.read_parquet(export / "customers.parquet"), server.admin))
        # The owner tells how segments stand once the others have told it: a tick or two later.
        if not differences or time.monotonic() > deadline:
            break
    yield from differences
    yield from outputs.faults_of_order()
    verified = crm_online(system.folder, "verify", "--state", server.url, "--json")
    yield from json.loads(verified.stdout)["differences"]
    yield from compare(export, recount((json.loads(record.value or b"") for record in records), END))
