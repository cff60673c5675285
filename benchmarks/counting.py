"""Mining all frequent itemsets of real logs: kept baskets against pyfim, in C, and mlxtend, on pandas."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from fim import fpgrowth
from mlxtend import frequent_patterns
from scipy.sparse import csr_array

from benchmarks import logs
from benchmarks.clock import side_by_side
from benchmarks.logs import Log
from benchmarks.report import Report
from crm_online.decay import Decay
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.rules.derive import derive

BUDGET = 256_000_000
BATCH = 1000
CONFIDENCE = 0.3
_MOST_CELLS = 200_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A log, from what support its itemsets are frequent, and of how many items they are."""

    name: str
    log: Callable[[], Log]
    min_support: float
    max_size: int = 6


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which logs, and how often each way takes its turn."""

    cases: tuple[Case, ...]
    rounds: int


_GROCERIES = Case("groceries 0.1 %", logs.groceries, 0.001)
_MEMBERS = Case("groceries by member 0.1 %", logs.groceries_members, 0.001)
FULL = Sizes(
    (
        Case("T10I4D100K 0.5 %", logs.t10i4, 0.005),
        Case("T10I4D100K 0.1 %", logs.t10i4, 0.001),
        Case("BMS-1 0.1 %", logs.bms1, 0.001),
        Case("FIMI retail 0.1 %", logs.fimi_retail, 0.001),
        _GROCERIES,
        _MEMBERS,
        Case("Online Retail 1 %", logs.online_retail, 0.01),
        Case("Online Retail, all customers 1 %", logs.online_retail_all, 0.01),
        Case("Complete Journey by category 1 %", logs.complete_journey, 0.01),
    ),
    3,
)
QUICK = Sizes((_GROCERIES, _MEMBERS), 1)


def run(sizes: Sizes) -> Report:
    """Mine each log in three ways."""
    report = Report("All frequent itemsets of up to 6 items, mined once, plain counts, ε = 0")
    for case in sizes.cases:
        _measure(report, case, sizes.rounds)
    report.notes.append(f"crm-online: counted in batches of {BATCH:,} in the log's order, mined once, rules derived")
    report.notes.append(
        "pyfim: fpgrowth on lists in memory, itemsets only; mlxtend: fpgrowth and association_rules on a"
    )
    report.notes.append("table of booleans in memory, sparse where it would have more than 200 million cells")
    report.notes.append("memory: the most that was resident at once beyond what was before; medians of CPU, in turns")
    return report


def _measure(report: Report, case: Case, rounds: int) -> None:
    log = case.log()
    lists, table = log.lists(), _table(log)
    least = int(np.ceil(case.min_support * len(log) - 1e-9))
    theirs: dict[tuple[int, ...], int] = {}
    ours: dict[tuple[int, ...], float] = {}

    def mined() -> None:
        sets = fpgrowth(lists, target="s", supp=-least, zmin=1, zmax=case.max_size)
        theirs.update((tuple(sorted(s)), n) for s, n in sets)

    def counted() -> None:
        counters = ItemsetCounters(0.0, Decay(None), case.max_size, BUDGET)
        for batch in log.batches(BATCH):
            counters.count(batch)
        part = PartitionCounters(counters, log.names, {name: number for number, name in enumerate(log.names)})
        found = merge([part], 0, case.min_support)
        derive(found, case.min_support, CONFIDENCE)
        sets = counters.frequent(case.min_support, 0)
        rows = zip(sets.items.tolist(), (sets.count + sets.error).tolist(), strict=True)
        ours.update((tuple(item for item in row if item >= 0), count) for row, count in rows)

    def on_pandas() -> None:
        found = frequent_patterns.fpgrowth(table, case.min_support, max_len=case.max_size)
        frequent_patterns.association_rules(found, metric="confidence", min_threshold=CONFIDENCE)

    costs = side_by_side({"pyfim": mined, "crm-online": counted, "mlxtend": on_pandas}, rounds)
    cpu = {name: cost.cpu for name, cost in costs.items()}
    differ = len(theirs.keys() ^ ours.keys()) + sum(ours[s] != n for s, n in theirs.items() if s in ours)
    report.add(f"{case.name}: frequent itemsets", len(theirs))
    report.add(f"{case.name}: itemsets that differ from pyfim's", differ, most=0)
    for name, seconds in cpu.items():
        report.add(f"{case.name}: {name}, CPU", seconds, "s")
    allowed = max(10 * cpu["pyfim"], 1.5 * cpu["mlxtend"])
    report.add(
        f"{case.name}: CPU, of the larger of 10 × pyfim's and 1.5 × mlxtend's", cpu["crm-online"] / allowed, most=1
    )
    mine, other = peak_of(counted), peak_of(on_pandas)
    report.add(f"{case.name}: crm-online, memory", mine / 1e6, "MB")
    report.add(f"{case.name}: mlxtend with its table, memory", (other + table.memory_usage().sum()) / 1e6, "MB")


def peak_of(work: Callable[[], object]) -> int:
    """Return how many bytes more were resident at once while some work was done than before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _resident("VmRSS")
    work()
    return max(_resident("VmHWM") - before, 0)


def _resident(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _table(log: Log) -> pd.DataFrame:
    """Return a row of booleans a basket; sparse where that would be too large."""
    shape = (len(log), len(log.names))
    start, items = log.baskets.start, log.baskets.items
    if shape[0] * shape[1] <= _MOST_CELLS:
        dense = np.zeros(shape, bool)
        dense[np.repeat(np.arange(len(log)), np.diff(start)), items] = True
        return pd.DataFrame(dense)
    cells = csr_array((np.ones(len(items), bool), items, start), shape=shape)
    sparse: pd.DataFrame = getattr(pd.DataFrame, "sparse").from_spmatrix(cells)  # noqa: B009 - the stubs lack it
    return sparse
