"""A replay with every commit on disk, against the plain way: event by event, each write on disk."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.clock import Cost, cost_of, middle
from benchmarks.logs import complete_journey_file, complete_journey_lines
from benchmarks.plain_replay import PlainCost, PlainReplay
from benchmarks.report import Report
from benchmarks.server import started
from crm_online.events.options import LogOptions
from crm_online.replay import replay
from crm_online.settings import Settings


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first lines of the log, taken in both ways so many times."""

    lines: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """The prefixes, and whether crm-online takes the whole log too."""

    prefixes: tuple[Prefix, ...]
    whole: bool


FULL = Sizes((Prefix(30_000, 3), Prefix(100_000, 1)), whole=True)
QUICK = Sizes((Prefix(10_000, 1),), whole=False)


def run(sizes: Sizes) -> Report:
    """Replay the same lines in both ways."""
    report = Report("Replay of the Complete Journey, every commit on disk, against the plain way")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        folder = Path(name)
        measured = [_prefix(report, folder, prefix) for prefix in sizes.prefixes]
        prefix, (theirs, spent) = sizes.prefixes[-1], measured[-1]
        _parts(report, spent, prefix.lines, theirs)
        if sizes.whole:
            lines = len(complete_journey_lines(None))
            ours, stages = _ours(complete_journey_file(folder, None), lines, folder / "whole")
            report.add("crm-online, wall an event, whole log", ours.wall / lines * 1e6, "µs")
            report.add("crm-online, CPU an event, whole log", ours.cpu / lines * 1e6, "µs")
            report.add("crm-online, whole log", ours.wall, "s")
            for stage, micros in stages.items():
                report.add(f"crm-online, CPU of this process an event, whole log: {stage}", micros, "µs")
            ratio = theirs.wall / prefix.lines / (ours.wall / lines)
            report.add(f"ratio of wall time, whole log to the plain way's {prefix.lines:,} lines", ratio, "×", least=5)
            ratio = theirs.cpu / prefix.lines / (ours.cpu / lines)
            report.add(f"ratio of CPU, whole log to the plain way's {prefix.lines:,} lines", ratio, "×", least=5)
            alone = spent.without_redis / prefix.lines / (ours.cpu / lines)
            report.add("the plain way's CPU with no Redis at all, to all of crm-online's", alone, "×")
    report.notes.append(
        "CPU is with redis-server's; crm-online reads the file, and writes JSONL files, within its time"
    )
    report.notes.append("waiting hangs on the disk and on who else uses it: the ratio of CPU does not")
    report.notes.append("the plain way only learns: it assigns no segment, finds no lapse and derives no rule")
    return report


def _prefix(report: Report, folder: Path, prefix: Prefix) -> tuple[Cost, PlainCost]:
    path = complete_journey_file(folder, prefix.lines)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    parts: list[PlainCost] = []
    for number in range(prefix.rounds):
        ways = [
            (ours, partial(_cost, path, prefix.lines, folder / f"ours-{prefix.lines}-{number}")),
            (theirs, partial(_plain, prefix.lines, folder / f"plain-{prefix.lines}-{number}", parts)),
        ]
        for costs, work in ways if number % 2 == 0 else reversed(ways):
            costs.append(work())
    mine, plain = middle(ours), middle(theirs)
    first = f"first {prefix.lines:,} lines"
    report.add(f"plain way, wall an event, {first}", plain.wall / prefix.lines * 1e6, "µs")
    report.add(f"crm-online, wall an event, {first}", mine.wall / prefix.lines * 1e6, "µs")
    report.add(f"ratio of wall time, {first}", plain.wall / mine.wall, "×")
    report.add(f"ratio of CPU, {first}", plain.cpu / mine.cpu, "×")
    return plain, sorted(parts, key=lambda part: part.without_redis)[len(parts) // 2]


def _parts(report: Report, spent: PlainCost, lines: int, total: Cost) -> None:
    """Show what the plain way spends an event on."""
    python = spent.without_redis + spent.client
    shares = {
        "CPU of features": spent.features,
        "CPU of river's KMeans.learn_one": spent.model,
        "CPU of counting": spent.counting,
        "CPU of the Redis client": spent.client,
        "waiting for Redis (I/O)": spent.waiting,
        "CPU of redis-server": max(total.cpu - python, 0.0),
    }
    for name, seconds in shares.items():
        report.add(f"plain way an event: {name}", seconds / lines * 1e6, "µs")


def _ours(path: Path, lines: int, state: Path) -> tuple[Cost, dict[str, float]]:
    """Return what a replay costs, and by stage its microseconds of processor an event."""
    out = state.parent / f"{state.name}-out"
    before = Cost.so_far()
    done = replay([path], settings=Settings(), state=str(state), options=LogOptions(preset="complete-journey"), out=out)
    cost = Cost.so_far() - before
    if done.accepted != lines:
        raise ValueError(f"of {lines} lines the replay took {done.accepted}")
    return cost, done.stages


def _cost(path: Path, lines: int, state: Path) -> Cost:
    return _ours(path, lines, state)[0]


def _plain(number: int, state: Path, parts: list[PlainCost]) -> Cost:
    lines = complete_journey_lines(number).copy()
    lines["ms"] = lines["transaction_timestamp"].astype("datetime64[ms]").astype(np.int64)
    with started(state) as server:
        return cost_of(lambda: parts.append(PlainReplay(server.client).run(lines)))
