"""What an event and a customer cost, from ten thousand customers to a million."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import Cost, middle
from benchmarks.driving import Drive
from benchmarks.made import DAY, START, MadeLog, visits
from benchmarks.report import Report
from benchmarks.server import Server, new_state, started
from crm_online.settings import Settings
from crm_online.settings.nesting import nested
from crm_online.store import Store

EVERY_DAYS = 20
LINES = 4
BUSY_ROUNDS = 5
"""Rounds of purchases after which a record holds all the recent events and moves that it can."""
CUSTOMER_KEYS = ("customers", "roster", "due", "sample")


@dataclass(frozen=True, slots=True)
class Sizes:
    """The shops, and how they are measured.

    Attributes
    ----------
    customers
        Of each shop.
    step, steps, blocks
        Events in a step, steps that are timed together, and how often.
    fill_step
        Events in a step while the shop is filled.
    busy
        Customers of one more shop, who bought so often that their records are full.
    """

    customers: tuple[int, ...]
    busy: int
    step: int = 2000
    steps: int = 4
    blocks: int = 8
    fill_step: int = 40_000


FULL = Sizes((10_000, 100_000, 1_000_000), busy=30_000)
QUICK = Sizes((10_000, 100_000), busy=10_000, blocks=4)


class Shop:
    """A shop in which each customer buys every 20 days on average, however many there are."""

    def __init__(self, server: Server, store: Store, customers: int, sizes: Sizes, rounds: int = 1) -> None:
        self.customers, self._sizes = customers, sizes
        self._random = np.random.default_rng(customers)
        self._now, self._baskets = START, 0
        empty, before = server.used, Cost.so_far()
        self._fill(store, rounds)
        self.filling = Cost.so_far() - before
        self.bytes = (server.used - empty) / customers
        self.of_customers = sum(server.size(name) for name in server.names() if name.split(":")[0] in CUSTOMER_KEYS)
        self._drive = Drive(store, Settings())
        self.costs: list[Cost] = []
        self.visits: list[float] = []

    def block(self) -> None:
        """Time a few steps."""
        buyers = self._sizes.step * self._sizes.steps // LINES
        log = self._buy(self._random.integers(0, self.customers, buyers), EVERY_DAYS * buyers / self.customers)
        chunks = [events for _, _, events in log.chunks(self._sizes.step)]
        visited, before = self._drive.visits, Cost.so_far()
        self._drive.run(chunks)
        self.costs.append((Cost.so_far() - before) / len(log))
        self.visits.append((self._drive.visits - visited) / len(log))

    def _fill(self, store: Store, rounds: int) -> None:
        """Let each customer buy in each round; visits have no limit, so that none is owed in the end."""
        drive = Drive(store, Settings(**nested({"segments.visits": 10 * self._sizes.fill_step})))
        for _ in range(rounds):
            log = self._buy(self._random.permutation(self.customers), EVERY_DAYS)
            drive.run(events for _, _, events in log.chunks(self._sizes.fill_step))
        drive.settle(ended=False)
        drive.flow.close()
        # The next purchase is on the next day, on which the visits of the last one come due, at every size.
        self._now = (self._now // DAY + 1) * DAY + 1

    def _buy(self, who: NDArray[np.int64], days: float) -> MadeLog:
        end = self._now + int(days * DAY)
        log = visits(who, self._now, end, LINES, self.customers + self._baskets, self._baskets)
        self._now, self._baskets = end, self._baskets + len(who)
        return log


def run(sizes: Sizes) -> Report:
    """Fill a shop of each size, then let them go on in turn."""
    least, most = min(sizes.customers), max(sizes.customers)
    report = Report(f"Cost of an event and of a customer, from {least:,} to {most:,} customers")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crm-online-bench-")))

        def shop(customers: int, rounds: int = 1) -> Shop:
            server = stack.enter_context(started(folder / f"{customers}-{rounds}"))
            return Shop(server, stack.enter_context(new_state(server, Settings())), customers, sizes, rounds)

        shops = [shop(customers) for customers in sizes.customers]
        for number in range(sizes.blocks + 1):
            for one in shops if number % 2 == 0 else reversed(shops):
                one.block()
        # The first block of each warms it up.
        costs = [middle(one.costs[1:]) for one in shops]
        for one, cost in zip(shops, costs, strict=True):
            report.add(f"CPU an event at {one.customers:,} customers", cost.cpu * 1e6, "µs")
            report.add(f"wall an event at {one.customers:,} customers", cost.wall * 1e6, "µs")
            report.add(f"visits to idle customers an event at {one.customers:,}", mean(one.visits[1:]))
        names = f"an event, {most:,} to {least:,} customers"
        report.add(f"ratio of CPU {names}", costs[-1].cpu / costs[0].cpu, "×", most=1.3)
        report.add(f"ratio of wall time {names}", costs[-1].wall / costs[0].wall, "×")
        for one in shops:
            target = 350 if one.customers == most else None
            report.add(
                f"Redis memory a customer at {one.customers:,}, {LINES} events each", one.bytes, "bytes", most=target
            )
        report.add(f"filling {most:,} customers", shops[-1].filling.wall, "s")
        full = shop(sizes.busy, rounds=BUSY_ROUNDS)
        events = LINES * BUSY_ROUNDS
        name = f"records and their indexes in Redis a customer, {events} events each (full records)"
        report.add(name, full.of_customers / sizes.busy, "bytes", most=350)
    report.notes.append(f"blocks of {sizes.steps} steps of {sizes.step}, shops in turn; medians of {sizes.blocks}")
    report.notes.append("memory is used_memory less that of the empty server: records, indexes, counters, all")
    return report
