"""Itemsets and rules of real logs, against pyfim on the same baskets and against truths that other software made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from fim import arules, fpgrowth
from numpy.typing import NDArray

from benchmarks import logs
from benchmarks.logs import Log, shared
from benchmarks.report import Report
from crm_online.decay import Decay
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.rules.derive import derive

BUDGET = 256_000_000
BATCH = 1000
CONFIDENCE = 0.3
Sets = dict[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Case:
    """A log, from what support its itemsets are frequent, and with what ε they are counted.

    Attributes
    ----------
    truth
        File in ``../shared/data/truth`` with the number of itemsets by size, as two other miners agreed on it.
    rules
        Whether rules are compared too.
    """

    name: str
    log: Callable[[], Log]
    truth: str
    min_support: float
    epsilon: float
    rules: bool = False


EXACT = (
    Case("groceries 1 %", logs.groceries, "groceries_1pct", 0.01, 0.0, rules=True),
    Case("groceries 0.1 %", logs.groceries, "groceries_0.1pct", 0.001, 0.0, rules=True),
    Case(
        "Complete Journey by category 1 %",
        logs.complete_journey,
        "complete_journey_category_1pct",
        0.01,
        0.0,
        rules=True,
    ),
)
BOUNDED = (
    Case("Online Retail 1 %", logs.online_retail, "online_retail_known_customers_1pct", 0.01, 0.001),
    Case("T10I4D100K 0.5 %", logs.t10i4, "T10I4D100K_0.5pct", 0.005, 0.0005),
)
FULL = (*EXACT, *BOUNDED)
QUICK = EXACT[:2]


def run(cases: tuple[Case, ...]) -> Report:
    """Count each log, and compare with pyfim."""
    report = Report("Itemsets of sizes 1 to 3 and their rules, against pyfim on the same baskets")
    for case in cases:
        _compare(report, case)
    report.notes.append("an itemset differs if it is missing, too many (ε = 0), its true count is outside its bounds,")
    report.notes.append("or pyfim and the numbers by size in ../shared/data/truth disagree on it")
    return report


def _compare(report: Report, case: Case) -> None:
    log = case.log()
    counters = ItemsetCounters(case.epsilon, Decay(None), 3, BUDGET)
    for batch in log.batches(BATCH):
        counters.count(batch)
    least = int(np.ceil(case.min_support * len(log) - 1e-9))
    lists = log.lists()
    truth: Sets = {tuple(sorted(s)): n for s, n in fpgrowth(lists, target="s", supp=-least, zmin=1, zmax=3)}
    found = counters.frequent(case.min_support, 0)
    bounds = {
        tuple(item for item in row if item >= 0): (low, low + error)
        for row, low, error in zip(found.items.tolist(), found.count.tolist(), found.error.tolist(), strict=True)
    }
    wrong = sum(not (s in bounds and bounds[s][0] <= n <= bounds[s][1]) for s, n in truth.items())
    if case.epsilon == 0:
        wrong += len(bounds.keys() - truth.keys())
    sizes = json.loads(shared(f"truth/{case.truth}.json").read_text())["by_length"]
    wrong += sum(abs(sum(len(s) == size for s in truth) - sizes.get(str(size), 0)) for size in (1, 2, 3))
    name = f"{case.name}, ε = {case.epsilon:g}"
    report.add(f"{name}: frequent itemsets", len(truth))
    report.add(f"{name}: itemsets that differ", wrong, most=0)
    if case.epsilon:
        errors = np.array([bounds[s][1] - bounds[s][0] for s in truth if s in bounds])
        report.add(f"{name}: largest error, as a share of baskets", float(errors.max(initial=0)) / len(log))
    if case.rules:
        rules, wrong = _rules(log, lists, counters, case.min_support, least)
        report.add(f"{name}: rules with one item on the right", rules)
        report.add(f"{name}: rules that differ", wrong, most=0)


def _rules(
    log: Log, lists: list[list[int]], counters: ItemsetCounters, min_support: float, least: int
) -> tuple[int, int]:
    """Return how many rules pyfim finds, and how many of them differ or are too many."""
    mined = arules(lists, supp=-least, conf=CONFIDENCE * 100, zmin=2, zmax=3, report="aC", mode="o")
    # Rules and their number of baskets; pyfim's confidence is in percent.
    theirs = {(frozenset(body), head): (count, share / 100) for head, body, count, share in mined}
    part = PartitionCounters(counters, log.names, {name: number for number, name in enumerate(log.names)})
    table = derive(merge([part], 0, min_support), min_support, CONFIDENCE)
    number = {name: place for place, name in enumerate(log.names)}

    def named(side: NDArray[np.int32]) -> frozenset[int]:
        return frozenset(number[table.names[item]] for item in side.tolist() if item >= 0)

    ours = {}
    for row in np.flatnonzero((table.consequent >= 0).sum(axis=1) == 1).tolist():
        (head,) = named(table.consequent[row])
        confidence = float(table.measures.confidence[row])
        ours[named(table.antecedent[row]), head] = (float(table.count[row]), confidence)
    wrong = len(ours.keys() ^ theirs.keys())
    wrong += sum(
        ours[rule][0] != count or abs(ours[rule][1] - share) > 1e-9
        for rule, (count, share) in theirs.items()
        if rule in ours
    )
    return len(theirs), wrong
