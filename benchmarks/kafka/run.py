"""The benchmark of the Kafka side: one report of throughput, processor time and latency."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kafka import latency
from benchmarks.kafka.site import Run, Site, running_site
from benchmarks.kafka.throughput import app_run, raw_rate, worker_run
from benchmarks.logs import complete_journey_file
from benchmarks.report import LeftOutError, Report
from tests.conftest import ROOT
from tests.servers.broker import missing

QUIX = ROOT / ".venv-quix" / "bin" / "python"
"""A Python that has Quix Streams; ``make bench`` makes it."""

_WORKER, _FAUST, _QUIX = "worker", "Faust app", "Quix Streams app"
_LEAST = {_FAUST: 5, _QUIX: 2}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many order lines are on the topic, how many of them the plain apps take, and how latency is measured."""

    lines: int
    plain: int
    rounds: int
    latency: latency.Sizes


FULL = Sizes(200_000, 10_000, 2, latency.Sizes(2000, 5, 20))
QUICK = Sizes(50_000, 4_000, 1, latency.Sizes(2000, 2, 5))


def run(sizes: Sizes) -> Report:
    """Take the same log in all ways."""
    if lacking := missing():
        raise LeftOutError(f"{lacking}; `make bench` gets it")
    report = Report("A worker on Kafka, 4 partitions, against plain apps on the same topic")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name, running_site(Path(name)) as site:
        _throughput(report, site, sizes)
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


def _throughput(report: Report, site: Site, sizes: Sizes) -> None:
    events = site.publish(complete_journey_file(site.folder, sizes.lines), "complete-journey")
    ways: dict[str, Callable[[str], Run]] = {
        _WORKER: lambda name: worker_run(site, events, name),
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
    for way in list(ways)[1:]:
        # Whoever else uses the machine may slow one way only: the least is the one to trust.
        ratio = min(done[_WORKER].rate / done[way].rate for done in rounds)
        report.add(f"worker to {way}: events a second, least of the rounds", ratio, "×", least=_LEAST[way])
        report.add(f"worker to {way}: CPU of all three", total[way].cpu / total[_WORKER].cpu, "×")
    raw = raw_rate(site, events)
    report.add("aiokafka that looks at nothing: events a second", raw)
    report.add("the worker's share of that", total[_WORKER].rate / raw * 100, "%")


def _costs(report: Report, way: str, run: Run) -> None:
    spent, millions = run.spent, run.events / 1e6
    report.add(f"{way}: events a second", run.rate)
    for who, seconds in (("own", spent.own), ("Redis", spent.redis), ("broker", spent.broker)):
        report.add(f"{way}: CPU a million events, {who}", seconds / millions, "s")
    report.add(f"{way}: processors that others took meanwhile", spent.others / spent.wall)


def _latency(report: Report, site: Site, sizes: Sizes) -> None:
    found = latency.measure(site, sizes.latency)
    limits = {"p50": (0.5, 50.0), "p95": (0.95, None), "p99": (0.99, 250.0), "largest": (1.0, None)}
    for name, (share, most) in limits.items():
        report.add(f"event to change, {latency.RATE:,} events a second: {name}", found.quantile(share), "ms", most=most)
    report.add("event to change: changes", len(found.seconds))
    report.add("event to change: events a second that were reached", found.rate)
    report.add("event to change: processors that others took meanwhile", found.others)
