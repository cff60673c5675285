"""A thousand open feeds beside a partition that takes events: which changes get lost, and whom slow readers hold up."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.driving import Drive
from benchmarks.made import MadeLog, year
from benchmarks.report import Report
from benchmarks.serve.readers import Found, Plan, Readers, Way, reading
from benchmarks.server import new_state, started
from crm_online.settings import Settings
from crm_online.step import ChangeId
from tests.servers.serving import Served, serving

_BASE = 2000
PATIENCE = "4s"
"""Time after which the service drops a reader who takes nothing; less than the default, to see it happen."""
_SEGMENTS = ("s1", "s2", "s3")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes
    ----------
    customers
        In the shop; half a year of it is in the state before.
    plain, filtered, leaving, pausing, stuck
        Feeds that read all; that want one segment's changes; that leave and come again; that may stop reading for
        some seconds; that may stop until a round is over.
    rounds
        In which slow readers are slow, in turn with as many in which they are not.
    seconds, steps, events
        Of a round; steps a second; events a step.
    """

    customers: int
    plain: int
    filtered: int
    leaving: int
    pausing: int
    stuck: int
    rounds: int
    seconds: float
    steps: float = 4.0
    events: int = 100

    @property
    def feeds(self) -> int:
        """All feeds."""
        return self.plain + self.filtered + self.leaving + self.pausing + self.stuck


FULL = Sizes(20_000, plain=750, filtered=100, leaving=100, pausing=25, stuck=25, rounds=3, seconds=15)
QUICK = Sizes(5_000, plain=150, filtered=20, leaving=20, pausing=5, stuck=5, rounds=1, seconds=8)


def run(report: Report, sizes: Sizes) -> None:
    """Measure the feeds."""
    log, settings = year(sizes.customers), Settings()
    with (
        tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name,
        started(Path(name) / "redis") as server,
        new_state(server, settings) as store,
    ):
        shop = _Shop(log, Drive(store, settings), sizes)
        options = ["--state", f"unix://{server.socket}", "--set", f"serve.request_timeout={PATIENCE}"]
        with serving(Path(name), *options, "--set", "serve.rate=none", forked=False) as served:
            shop.told(report, served)


class _Shop:
    """A shop whose events are taken while the feeds are open."""

    def __init__(self, log: MadeLog, drive: Drive, sizes: Sizes) -> None:
        self._log, self._drive, self._sizes = log, drive, sizes
        half = len(log) // 2
        drive.run(log.columns(begin, min(begin + _BASE, half)) for begin in range(0, half, _BASE))
        self._committed: list[tuple[int, float, int]] = []

    def told(self, report: Report, served: Served) -> None:
        """Open the feeds, take events, and compare what was told with what is kept."""
        sizes, port = self._sizes, urlsplit(served.url).port or 0
        service = psutil.Process(served.pid)
        with reading(port, _plans(sizes)) as readers:
            readers.opened()
            before, began = service.cpu_times(), time.monotonic()
            first = self._drive.pipeline.engine.state.sequence
            for number in range(2 * sizes.rounds):
                self._round(readers, number)
            spent, took = service.cpu_times(), time.monotonic() - began
            kept = _kept(self._drive, first)
            found = readers.end({plan.query: int(_wanted(kept, plan.query, 0)[-1:].sum()) for plan in _plans(sizes)})
        _compare(report, sizes, found, kept)
        self._delays(report, found[: sizes.plain])
        sent = sum(len(one.numbers) for one in found)
        report.add(f"{sizes.feeds:,} feeds: changes a second that were told, all feeds together", sent / took)
        cpu = spent.user + spent.system - before.user - before.system
        report.add("the service: processors", cpu / took)
        report.add("the service: resident memory", service.memory_info().rss / 1e6, "MB")

    def _round(self, readers: Readers, which: int) -> None:
        readers.slow(slow=_is_slow(which))
        sizes = self._sizes
        begin = time.monotonic() + 2  # those who were slow catch up first
        for number in range(int(sizes.seconds * sizes.steps)):
            time.sleep(max(0.0, begin + number / sizes.steps - time.monotonic()))
            at = self._drive.position
            self._drive.step(self._log.columns(at, at + sizes.events))
            self._committed.append((self._drive.pipeline.engine.state.sequence, time.monotonic(), which))

    def _delays(self, report: Report, found: Sequence[Found]) -> None:
        """Add how long after the commit the plain feeds were told."""
        numbers = np.array([number for number, _, _ in self._committed])
        times = np.array([moment for _, moment, _ in self._committed])
        rounds = np.array([which for _, _, which in self._committed])
        step = [np.searchsorted(numbers, one.numbers) for one in found]
        delays = [np.repeat(one.times, one.counts) - times[at] for one, at in zip(found, step, strict=True)]
        all_, which = np.concatenate(delays) * 1000, rounds[np.concatenate(step)]
        slow, count = _is_slow(which), self._sizes.pausing + self._sizes.stuck
        for name, share in (("p50", 50), ("p99", 99)):
            report.add(f"commit to reader, {name}: none is slow", np.percentile(all_[~slow], share), "ms")
            report.add(f"commit to reader, {name}: beside {count} slow ones", np.percentile(all_[slow], share), "ms")
            by_round = [np.percentile(all_[which == number], share) for number in range(2 * self._sizes.rounds)]
            # Whoever else uses the machine slows some rounds: the least of each kind is the one to trust.
            calm, beside = (min(by_round[number] for number in _rounds(self._sizes, kind)) for kind in (False, True))
            report.add(
                f"commit to reader, {name}: best round with slow ones to best without", beside / calm, "×", most=1.25
            )


def _rounds(sizes: Sizes, kind: bool) -> list[int]:
    return [number for number in range(2 * sizes.rounds) if _is_slow(number) is kind]


def _is_slow(which: Any) -> Any:
    """Tell which rounds have slow readers: the second and third of four, so that both kinds come first as often."""
    return (which + 1) // 2 % 2 == 1


def _plans(sizes: Sizes) -> list[Plan]:
    plans = [Plan(Way.PLAIN)] * sizes.plain
    plans += [Plan(Way.FILTERED, f"?segment={_SEGMENTS[number % 3]}") for number in range(sizes.filtered)]
    plans += [Plan(way) for way in (Way.LEAVING, Way.PAUSING, Way.STUCK) for _ in range(getattr(sizes, way))]
    return plans


@dataclass(frozen=True, slots=True)
class _Kept:
    """The changes that the state holds: their numbers, and those about each segment."""

    numbers: NDArray[np.int64]
    about: dict[str, NDArray[np.int64]]


def _kept(drive: Drive, after: int) -> _Kept:
    numbers: list[int] = []
    about: dict[str, list[int]] = {segment: [] for segment in _SEGMENTS}
    for entry in drive.pipeline.store.changes(ChangeId(drive.pipeline.partition, 0, after)):
        value = json.loads(entry.value)
        numbers.append(entry.sequence)
        for segment in {value.get("from"), value.get("to"), value.get("id")} & about.keys():
            about[segment].append(entry.sequence)
    return _Kept(np.array(numbers), {segment: np.array(found, np.int64) for segment, found in about.items()})


def _wanted(kept: _Kept, query: str, begin: int) -> NDArray[np.int64]:
    """Return the numbers of the changes that a feed has to tell."""
    numbers = kept.about[query.rpartition("=")[2]] if query else kept.numbers
    return numbers[numbers > begin]


def _compare(report: Report, sizes: Sizes, found: Sequence[Found], kept: _Kept) -> None:
    missing = twice = exact = 0
    for one, plan in zip(found, _plans(sizes), strict=True):
        wanted = _wanted(kept, plan.query, one.begin)
        exact += np.array_equal(one.numbers, wanted)
        missing += len(np.setdiff1d(wanted, one.numbers))
        twice += len(one.numbers) - len(np.intersect1d(one.numbers, wanted))
    report.add("changes that each plain feed was to tell", len(kept.numbers))
    report.add("feeds that told exactly what the state holds, in order", exact, least=sizes.feeds)
    report.add("changes that a feed did not tell", missing, most=0)
    report.add("changes that a feed told twice, or that are none", twice, most=0)
    report.add("gaps told", sum(one.gaps for one in found), most=0)
    begin = sizes.plain + sizes.filtered
    end = begin + sizes.leaving
    report.add("times that readers left and came again", sum(one.connections - 1 for one in found[begin:end]))
    report.add("slow readers that were dropped, and came again", sum(one.connections - 1 for one in found[end:]))
