"""The benchmark of the Kafka side: one report of throughput, processor time and latency."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.clock import middle
from benchmarks.kafka import latency
from benchmarks.kafka.site import PARTITIONS, Run, Site, Topics, running_site
from benchmarks.kafka.throughput import app_run, raw_rate, start, worker_run
from benchmarks.logs import complete_journey_file
from benchmarks.report import LeftOutError, Report
from tests.conftest import ROOT
from tests.servers.broker import missing

QUIX = ROOT / ".venv-quix" / "bin" / "python"
"""A Python that has Quix Streams; ``make bench`` makes it."""

_WORKER, _FAUST, _QUIX = "worker", "Faust app", "Quix Streams app"
_LEAST = {_FAUST: 30, _QUIX: 2}
_FEW, _MANY = (Topics(f"bench{partitions}.", partitions) for partitions in (1, 12))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many order lines are on the topic, how many of them the plain apps take, and how latency is measured.

    Attributes
    ----------
    lines
        Order lines on the topic.
    plain
        How many of them the plain apps take.
    rounds
        How often each way is taken.
    starts
        How often a worker is started, to see how long that takes.
    latency
        How latency is measured.
    """

    lines: int
    plain: int
    rounds: int
    starts: int
    latency: latency.Sizes


FULL = Sizes(200_000, 10_000, 2, 5, latency.Sizes(2000, 5, 20))
QUICK = Sizes(50_000, 4_000, 1, 3, latency.Sizes(2000, 2, 5))


def run(sizes: Sizes) -> Report:
    """Take the same log in all ways."""
    if lacking := missing():
        raise LeftOutError(f"{lacking}; `make bench` gets it")
    report = Report(f"A worker on Kafka, {PARTITIONS} partitions, against plain apps on the same topic")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name, running_site(Path(name)) as site:
        log = complete_journey_file(site.folder, sizes.lines)
        _throughput(report, site, sizes, log)
        _partitions(report, site, sizes, log)
        _starts(report, site, sizes)
        _latency(report, site, sizes)
    report.notes += [
        "each clock starts with the first events that are in Redis; the log is on the topic before",
        "the worker is done once all is committed in Redis (appendfsync always) and all changes are published",
        "the plain apps take only the first events of the log, one by one, with a Redis client that blocks; they learn "
        "(river) and count, but assign no segment, derive no rule and publish nothing",
        "latency: of the changes that events caused, from sending the event to reading the committed change; one "
        f"event in {latency.NEW} is a new customer's, which always causes one; the worker has its default settings",
    ]
    return report


def _throughput(report: Report, site: Site, sizes: Sizes, log: Path) -> None:
    events = site.publish(log, "complete-journey")
    stages: list[dict[str, float]] = []

    def worker(name: str) -> Run:
        done = worker_run(site, events, name)
        stages.append(done.stages)
        return done.run

    ways: dict[str, Callable[[str], Run]] = {
        _WORKER: worker,
        _FAUST: lambda name: app_run(site, "benchmarks.kafka.faust_app", sys.executable, sizes.plain, name),
    }
    if QUIX.exists():
        ways[_QUIX] = lambda name: app_run(site, "benchmarks.kafka.quix_app", str(QUIX), sizes.plain, name)
    else:
        report.notes.append(f"there is no Quix Streams in {QUIX.parent.parent}: `make bench` installs it")
    rounds: list[dict[str, Run]] = []
    for number in range(sizes.rounds):
        order = list(ways) if number % 2 == 0 else list(reversed(ways))
        rounds.append({way: ways[way](f"round-{number}-{place}") for place, way in enumerate(order)})
    total = {way: sum((done[way] for done in rounds[1:]), rounds[0][way]) for way in ways}
    for way, found in total.items():
        taken = f"all {events:,}" if way == _WORKER else f"first {sizes.plain:,}"
        _costs(report, f"{way} ({taken})", found)
    for stage in stages[0]:
        report.add(f"worker, CPU an event: {stage}", median(found[stage] for found in stages), "µs")
    for way in list(ways)[1:]:
        # Whoever else uses the machine may slow one way only: the least is the one to trust.
        ratio = min(done[_WORKER].rate / done[way].rate for done in rounds)
        report.add(f"worker to {way}: events a second, least of the rounds", ratio, "×", least=_LEAST[way])
        report.add(f"worker to {way}: CPU of all three", total[way].cpu / total[_WORKER].cpu, "×")
    raw = raw_rate(site, events)
    report.add("aiokafka that looks at nothing: events a second", raw)
    report.add("the worker's share of that", total[_WORKER].rate / raw * 100, "%", least=10)


def _partitions(report: Report, site: Site, sizes: Sizes, log: Path) -> None:
    """Let a worker take the same log from a topic of few partitions and from one of many, in turn."""
    done: dict[Topics, list[Run]] = {_FEW: [], _MANY: []}
    events = {topics: site.publish(log, "complete-journey", topics) for topics in done}
    for number in range(sizes.rounds):
        for topics in done if number % 2 == 0 else reversed(done):
            name = f"partitions-{topics.partitions}-{number}"
            done[topics].append(worker_run(site, events[topics], name, topics).run)
    few, many = (median(run.spent.own / run.events for run in runs) for runs in done.values())
    for topics, seconds in zip(done, (few, many), strict=True):
        report.add(f"worker, CPU a million events, own, {topics.partitions} partitions", seconds * 1e6, "s")
    name = f"worker, own CPU an event, {_MANY.partitions} to {_FEW.partitions} partitions"
    report.add(name, many / few, "×", most=1.3)


def _starts(report: Report, site: Site, sizes: Sizes) -> None:
    found = middle([start(site, f"start-{number}") for number in range(sizes.starts)])
    report.add("worker from its start until it is ready, own CPU, median", found.cpu, "s", most=2)
    report.add("worker from its start until it is ready, median", found.wall, "s")


def _costs(report: Report, way: str, run: Run) -> None:
    spent, millions = run.spent, run.events / 1e6
    report.add(f"{way}: events a second", run.rate)
    for who, seconds in (("own", spent.own), ("Redis", spent.redis), ("broker", spent.broker)):
        report.add(f"{way}: CPU a million events, {who}", seconds / millions, "s")
    report.add(f"{way}: processors that others took meanwhile", spent.others / spent.wall)


def _latency(report: Report, site: Site, sizes: Sizes) -> None:
    found = latency.measure(site, sizes.latency)
    limits = {"p50": (0.5, 15.0), "p95": (0.95, None), "p99": (0.99, 50.0), "largest": (1.0, None)}
    for name, (share, most) in limits.items():
        report.add(f"event to change, {latency.RATE:,} events a second: {name}", found.quantile(share), "ms", most=most)
    report.add("event to change: changes", len(found.seconds))
    report.add("event to change: events a second that were reached", found.rate)
    report.add("event to change: processors that others took meanwhile", found.others)
