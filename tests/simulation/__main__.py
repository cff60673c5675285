"""``make simulation``: runs of new seeds, for as long as one likes."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, count, repeat
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

import pytest

from crm_online.engine.preload import preload
from tests.servers.redis_server import RedisServer
from tests.simulation.run import Outcome, Simulation
from tests.simulation.without import FENCES

FAILED: Final = Path(__file__).with_name("seeds.txt")
"""Seeds that ever went wrong: they are run first."""


@contextmanager
def redis_sockets(number: int) -> Iterator[list[str]]:
    """Start so many Redis servers that keep nothing on disk, and give their sockets."""
    options = {"appendonly": "no", "appendfsync": "no"}
    with tempfile.TemporaryDirectory(prefix="crm-simulation-") as folder:
        servers = [RedisServer(Path(folder) / f"redis-{at}", options=options) for at in range(number)]
        try:
            for server in servers:
                server.start()
            yield [server.socket for server in servers]
        finally:
            for server in servers:
                server.end()


def simulate(seeds: Iterator[int], sockets: Sequence[str]) -> Generator[Outcome]:
    """Run seeds, each in a process of its own, as many at once as there are Redis servers; yield what they did."""
    running: dict[Connection, tuple[ForkProcess, str, int]] = {}
    free = list(sockets)
    try:
        yield from _simulate(seeds, running, free)
    finally:
        for process, *_ in running.values():
            process.kill()


def _simulate(
    seeds: Iterator[int], running: dict[Connection, tuple[ForkProcess, str, int]], free: list[str]
) -> Iterator[Outcome]:
    forking = multiprocessing.get_context("fork")
    for seed in chain(seeds, repeat(None)):
        if seed is not None:
            ours, theirs = forking.Pipe(duplex=False)
            socket = free.pop()
            process = forking.Process(target=_run, args=(seed, socket, theirs))
            process.start()
            theirs.close()
            running[ours] = process, socket, seed
        while running and (seed is None or not free):
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                process, socket, number = running.pop(ready)
                yield _received(ready, number)
                process.join()
                free.append(socket)
        if seed is None:
            return


def _received(from_child: Connection, seed: int) -> Outcome:
    try:
        outcome: Outcome = from_child.recv()
    except EOFError:
        return Outcome(seed, Counter(), wrong=["the run itself broke off"])
    return outcome


def _run(seed: int, socket: str, result: Connection) -> None:
    logging.disable()
    result.send(Simulation(seed, socket).run())
    os._exit(0)  # what killed processes left behind is not ended


def main() -> int:
    """Run, say what was found, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--begin", type=int, help="first new seed; without it the clock's")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long new seeds are run")
    parser.add_argument("--seeds", type=int, nargs="*", help="these alone, and those that ever went wrong")
    parser.add_argument("--without", choices=FENCES, help="switch a fence off: the runs must go wrong")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    begin = chosen.begin if chosen.begin is not None else time.time_ns() // 1_000_000
    began, faults, failed, runs, epochs = time.perf_counter(), Counter[str](), list[int](), 0, 0
    preload()
    if chosen.without:
        FENCES[chosen.without](pytest.MonkeyPatch())
    with (
        redis_sockets(chosen.processes) as sockets,
        closing(simulate(_seeds(chosen.seeds, begin, began + chosen.seconds), sockets)) as outcomes,
    ):
        for outcome in outcomes:
            runs, epochs, faults = runs + 1, epochs + outcome.epochs, faults + outcome.faults
            if outcome.wrong:
                failed.append(outcome.seed)
                print(f"seed {outcome.seed}: WRONG: " + "; ".join(outcome.wrong[:3]), flush=True)
                if chosen.without:
                    break
    took = time.perf_counter() - began
    kinds = ", ".join(f"{count} × {kind}" for kind, count in sorted(faults.items()))
    print(
        f"{runs} runs in {took:.0f} s: {faults.total()} faults ({faults.total() / took * 3600:,.0f} an hour), {kinds}"
    )
    print(f"{epochs} new epochs; " + (f"WRONG: seeds {failed}" if failed else "nothing wrong"))
    return int(bool(failed) != bool(chosen.without))


def _seeds(chosen: Sequence[int] | None, begin: int, until: float) -> Iterator[int]:
    """Yield the seeds that are asked for; else those that ever went wrong, and then new ones for as long as that."""
    yield from map(int, FAILED.read_text().split())
    if chosen is not None:
        yield from chosen
        return
    for seed in count(begin):
        if time.perf_counter() > until:
            return
        yield seed


if __name__ == "__main__":
    sys.exit(main())
