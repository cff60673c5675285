"""What is planted in simulated shops of several sizes is what is found in them, under the default settings."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Report
from crm_online.simulate import simulate
from tests.simulate.shops import agreement, find

ENOUGH = 0.9
"""Adjusted Rand index between planted and reported segments, at least."""

MOST_OTHERS = 0.05
"""Share of strong rules that neither were planted nor follow from planted ones, at most."""


@dataclass(frozen=True, slots=True)
class Size:
    """One shop: its customers, its events, and what it is drawn from."""

    customers: int
    events: int
    seed: int


FULL = (Size(600, 15_000, 2), Size(1000, 20_000, 3), Size(10_000, 150_000, 6))
QUICK = FULL[:1]


def run(sizes: tuple[Size, ...]) -> Report:
    """Replay each shop, and compare segments and rules with its truth."""
    report = Report("Planted segments and rules of simulated shops, found under the default settings")
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as folder:
            agreed = agreement(find(simulate(size.customers, size.events, size.seed), Path(folder)))
        shop = f"{size.customers:,} customers, {size.events:,} events"
        report.add(f"{shop}: adjusted Rand index", agreed.rand, least=ENOUGH)
        report.add(f"{shop}: planted rules not found", agreed.missing, most=0)
        report.add(f"{shop}: other rules among the strong ones", 100 * agreed.others, "%", most=100 * MOST_OTHERS)
    return report
