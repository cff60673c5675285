"""What an event and a customer cost, from ten thousand customers to a million."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import Cost
from benchmarks.driving import Drive
from benchmarks.made import DAY, START, MadeLog, visits
from benchmarks.report import Report
from benchmarks.server import Server, new_state, started
from crm_online.settings import Settings
from crm_online.store import Store

EVERY_DAYS = 20
LINES = 4
FILL_STEPS = 100
BUSY_ROUNDS = 5
"""Rounds of purchases after which a record holds all the recent events and moves that it can."""
CUSTOMER_KEYS = ("customers", "roster", "due", "sample")


@dataclass(frozen=True, slots=True)
class Size:
    """A number of customers, and how many shops of that size are measured."""

    customers: int
    shops: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """The shops, and how they are measured.

    Attributes
    ----------
    sizes
        From the smallest to the largest. Small shops are measured several times over, as they have few steps.
    busy
        Customers of one more shop, who bought so often that their records are full.
    step
        Events in a step.
    days
        Days of event time that each shop is measured for.
    """

    sizes: tuple[Size, ...]
    busy: int
    step: int = 2000
    days: int = 3


FULL = Sizes((Size(10_000, 8), Size(100_000, 2), Size(1_000_000, 1)), busy=30_000)
QUICK = Sizes((Size(10_000, 4), Size(100_000, 1)), busy=10_000)


class Shop:
    """A shop in which each customer buys every 20 days on average, however many there are.

    So in the same days the same happens to a customer of any shop: as many events, visits and moves. Only then is
    the cost of an event comparable: in the same number of steps, a large shop would see hardly any time pass.
    """

    def __init__(self, server: Server, store: Store, customers: int, step: int, seed: int, rounds: int = 1) -> None:
        self.customers, self._step, self._server = customers, step, server
        self._random = np.random.default_rng(seed)
        self._now, self._baskets = START, 0
        empty, before = server.used, Cost.so_far()
        self._fill(store, rounds)
        self.filling = Cost.so_far() - before
        self.bytes = (server.used - empty) / customers
        self.of_customers = sum(server.size(name) for name in server.names() if name.split(":")[0] in CUSTOMER_KEYS)
        self._drive = Drive(store, Settings(), keep=True)
        self._rewriting = server.cpu_of_rewrites
        self.wall = self.cpu = 0.0
        self.events = self.visits = self.moves = 0

    def day(self) -> None:
        """Time one day."""
        log = self._buy(self._random.integers(0, self.customers, self.customers // EVERY_DAYS), 1)
        chunks = [events for _, _, events in log.chunks(self._step)]
        self._drive.visits, self._drive.changes = 0, []
        # Only this shop's server: what the others do meanwhile must not be charged to it.
        wall, cpu = time.perf_counter(), time.process_time() + self._server.cpu
        self._drive.run(chunks)
        self.cpu += time.process_time() + self._server.cpu - cpu
        self.wall += time.perf_counter() - wall
        self.events += len(log)
        self.visits += self._drive.visits
        self.moves += sum(entry.topic == "segment-changes" for entry in self._drive.changes)

    def end(self) -> None:
        """Charge what rewriting the AOF took; it goes on beside the days."""
        self.cpu += self._server.cpu_of_rewrites - self._rewriting

    def _fill(self, store: Store, rounds: int) -> None:
        """Let each customer buy in each round, in as many steps at any size; no visit is owed in the end."""
        size = max(self.customers * LINES // FILL_STEPS, 1)
        drive = Drive(store, Settings.from_keys({"segments.visits": 10 * self.customers}))
        for _ in range(rounds):
            log = self._buy(self._random.permutation(self.customers), EVERY_DAYS)
            drive.run(events for _, _, events in log.chunks(size))
        drive.settle(ended=False)
        drive.pipeline.close()

    def _buy(self, who: NDArray[np.int64], days: int) -> MadeLog:
        end = self._now + days * DAY
        log = visits(who, self._now, end, LINES, self.customers + self._baskets, self._baskets)
        self._now, self._baskets = end, self._baskets + len(who)
        return log


@dataclass(frozen=True, slots=True)
class Sum:
    """What all shops of one size cost and did, an event."""

    wall: float
    cpu: float
    visits: float
    moves: float

    @classmethod
    def of(cls, shops: list[Shop]) -> Sum:
        """Add up, not take medians: a step that is dear is part of the cost."""
        events = sum(shop.events for shop in shops)
        totals = (sum(getattr(shop, name) for shop in shops) / events for name in ("wall", "cpu", "visits", "moves"))
        return cls(*totals)


def run(sizes: Sizes) -> Report:
    """Fill shops of each size, then let them go on in turn, day by day."""
    least, most = sizes.sizes[0].customers, sizes.sizes[-1].customers
    report = Report(f"Cost of an event and of a customer, from {least:,} to {most:,} customers")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crm-online-bench-")))

        def shop(customers: int, number: int, rounds: int = 1) -> Shop:
            server = stack.enter_context(started(folder / f"{customers}-{number}-{rounds}"))
            store = stack.enter_context(new_state(server, Settings()))
            return Shop(server, store, customers, sizes.step, number + 1, rounds)

        groups = [[shop(size.customers, number) for number in range(size.shops)] for size in sizes.sizes]
        for day in range(sizes.days):
            for group in groups if day % 2 == 0 else reversed(groups):
                for one in group:
                    one.day()
        for group in groups:
            for one in group:
                one.end()
        sums = [Sum.of(group) for group in groups]
        for group, total in zip(groups, sums, strict=True):
            at = f"at {group[0].customers:,} customers"
            report.add(f"CPU an event {at}", total.cpu * 1e6, "µs")
            report.add(f"wall an event {at}", total.wall * 1e6, "µs")
            report.add(f"visits to idle customers an event {at}", total.visits)
            report.add(f"reported moves an event {at}", total.moves)
        names = f"an event, {most:,} to {least:,} customers"
        report.add(f"ratio of CPU {names}", sums[-1].cpu / sums[0].cpu, "×", most=1.2)
        report.add(f"ratio of wall time {names}", sums[-1].wall / sums[0].wall, "×", most=1.2)
        for group in groups:
            one = group[0]
            target = 250 if one.customers == most else None
            name = f"Redis memory a customer at {one.customers:,}, {LINES} events each"
            report.add(name, one.bytes, "bytes", most=target)
        report.add(f"filling {most:,} customers", groups[-1][0].filling.wall, "s")
        full = shop(sizes.busy, 0, rounds=BUSY_ROUNDS)
        events = LINES * BUSY_ROUNDS
        name = f"records and their indexes in Redis a customer, {events} events each (full records)"
        report.add(name, full.of_customers / sizes.busy, "bytes", most=350)
    report.notes.append(f"the same {sizes.days} days at each size, in steps of {sizes.step}; totals, shops in turn")
    report.notes.append("CPU is with redis-server's, rewriting its AOF included; no rules come up in this shop")
    report.notes.append("memory is used_memory less that of the empty server: records, indexes, counters, all")
    return report
