"""Look-ups of customers: how fast beside a route that does nothing, and how long they take at a steady rate."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np

from benchmarks.driving import Drive
from benchmarks.made import year
from benchmarks.report import Report
from benchmarks.serve.asking import Ask, asked
from benchmarks.server import Server, new_state, started
from crm_online.engine.engine import CUSTOMERS
from crm_online.settings import Settings
from crm_online.store.keys import key
from tests.servers.serving import Served, serving

_BASE = 2000
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    bought
        Customers whose events go through the engine.
    customers
        In Redis: those, and copies of them under other names.
    connections
        Of the full load.
    rounds, seconds
        Of the full load, in turn on the service and on the bare route.
    rate, steady
        Requests a second of the steady load, and its seconds.
    """

    bought: int
    customers: int
    connections: int = 64
    rounds: int = 5
    seconds: float = 4.0
    rate: float = 500.0
    steady: float = 30.0


FULL = Sizes(20_000, 1_000_000)
QUICK = Sizes(2_000, 20_000, rounds=2, seconds=1.5, steady=5.0)


def run(report: Report, sizes: Sizes) -> None:
    """Measure the look-ups."""
    settings = Settings()
    log = year(sizes.bought)
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name, started(Path(name) / "redis") as server:
        with new_state(server, settings) as store:
            Drive(store, settings).run(log.columns(at, min(at + _BASE, len(log))) for at in range(0, len(log), _BASE))
        names = _filled(server, sizes.customers)
        options = ["--state", f"unix://{server.socket}", "--set", "serve.rate=none"]
        with serving(Path(name), *options, forked=False) as served, bare() as port:
            _compare(report, sizes, served, port, names)
            _steady(report, sizes, served, port, names)
        report.add("customers in Redis", server.client.hlen(key(0, CUSTOMERS)), least=sizes.customers)


def _filled(server: Server, customers: int) -> list[str]:
    """Copy customers under other names until there are enough; return some thousands of all names."""
    there = cast("dict[bytes, bytes]", server.client.hgetall(key(0, CUSTOMERS)))
    records = list(there.values())
    names = [f"copy-{number}" for number in range(customers - len(there))]
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        pairs: dict[Any, Any] = {name: records[(begin + at) % len(records)] for at, name in enumerate(some)}
        server.client.hset(key(0, CUSTOMERS), mapping=pairs)
    every = [name.decode() for name in there] + names
    return [every[at] for at in np.random.default_rng(1).permutation(len(every))[:20_000].tolist()]


@contextmanager
def bare() -> Iterator[int]:
    """Run the bare route in a process; give its port."""
    command = [sys.executable, "-m", "benchmarks.serve.bare"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield urlsplit(process.stdout.readline().strip()).port or 0
        finally:
            process.terminate()


def _compare(report: Report, sizes: Sizes, served: Served, port: int, names: list[str]) -> None:
    """Ask both as fast as they answer, in turn."""
    ours = Ask(urlsplit(served.url).port or 0, _paths(names), sizes.connections, sizes.seconds)
    pairs = [(asked(ours), asked(replace(ours, port=port))) for _ in range(sizes.rounds + 1)]
    pairs = pairs[1:]  # the first one warms up
    wrong = sum(one.wrong + other.wrong for one, other in pairs)
    report.add("look-ups a second, one process", median(one.per_second for one, _ in pairs))
    report.add("requests a second to a bare FastAPI route", median(other.per_second for _, other in pairs))
    ratio = median(one.per_second / other.per_second for one, other in pairs)
    report.add("look-ups to a bare FastAPI route on the same server", ratio, "×", least=0.5)
    report.add("answers that were none", wrong, most=0)


def _steady(report: Report, sizes: Sizes, served: Served, port: int, names: list[str]) -> None:
    """Ask both at a steady rate, one after the other."""
    ours = Ask(urlsplit(served.url).port or 0, _paths(names), sizes.connections, sizes.steady, sizes.rate)
    for what, ask in (
        (f"the bare route at {sizes.rate:.0f}/s", replace(ours, port=port)),
        (f"look-ups at {sizes.rate:.0f}/s", ours),
    ):
        p50, p99, most = (float(value) * 1000 for value in np.percentile(asked(ask).seconds, [50, 99, 100]))
        report.add(f"{what}: p50", p50, "ms")
        report.add(f"{what}: p99", p99, "ms", most=10 if ask is ours else None)
        report.add(f"{what}: the longest", most, "ms")


def _paths(names: list[str]) -> list[str]:
    return [f"/v1/customers/{name}" for name in names]
