"""Rules that stay fresh: counting on and deriving again, against mining all baskets again with pyfim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fim import eclat

from benchmarks.clock import Cost, cost_of, middle
from benchmarks.logs import Log, t10i4
from benchmarks.report import Report
from crm_online.decay import Decay
from crm_online.engine.changes import Changes
from crm_online.engine.rules import RuleEmitter, list_rules
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.rules.customers import NOBODY
from crm_online.rules.next_baskets import NextBaskets
from crm_online.settings import Settings

MIN_SUPPORT, MIN_CONFIDENCE = 0.005, 0.3
EVERY = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """At how many baskets rules are refreshed, how often, and how much cheaper that is to be."""

    baskets: int
    rounds: int
    target: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes in turn, and how many baskets the log without repetitions has."""

    sizes: tuple[Size, ...]
    distinct: int = 100_000


FULL = Sizes((Size(100_000, 5, 3), Size(1_000_000, 3, 10)))
QUICK = Sizes((Size(100_000, 3, 3),))


def run(sizes: Sizes) -> Report:
    """Keep rules fresh in both ways, at each size."""
    report = Report(f"Keeping rules fresh every {EVERY:,} baskets (T10I4D100K, repeated and shuffled)")
    log = t10i4().first(sizes.distinct)
    for size in sizes.sizes:
        _measure(report, log, size)
    report.notes.append(
        f"support {MIN_SUPPORT:.1%}, confidence {MIN_CONFIDENCE:.0%}, up to 3 items, no decay, which pyfim has not"
    )
    report.notes.append("pyfim's eclat, its fastest miner here, on baskets that are ready in memory")
    report.notes.append("crm-online counts the new baskets, derives all rules and finds what changed; medians")
    return report


def _measure(report: Report, log: Log, size: Size) -> None:
    total = size.baskets + size.rounds * EVERY
    whole = log.repeated(-(-total // len(log))).first(total)
    batches = whole.batches(EVERY)
    before = size.baskets // EVERY
    keys = {
        "itemsets.min_support": MIN_SUPPORT,
        "itemsets.half_life": None,
        "rules.min_confidence": MIN_CONFIDENCE,
        "rules.redundant": "keep",
    }
    settings = Settings.from_keys(keys)
    counters = ItemsetCounters(settings.itemsets.epsilon_in_force, Decay(None), 3, settings.itemsets.max_bytes)
    counted = PartitionCounters(counters, whole.names, {name: number for number, name in enumerate(whole.names)})
    feed = RuleEmitter(settings)
    changes = Changes(0, 0, 0)

    def fresh(number: int) -> None:
        counters.count(batches[number])
        list(feed.emit(counted, NOBODY, NextBaskets.of([]), 0, changes))

    for batch in batches[:before]:
        counters.count(batch)
    list(feed.emit(counted, NOBODY, NextBaskets.of([]), 0, changes))
    lists = whole.lists()
    ours: list[Cost] = []
    theirs: list[Cost] = []
    rules: list[tuple[int, Sequence[int]]] = []

    def mined(baskets: list[list[int]]) -> None:
        # Mode "o": the support of a rule is that of all its items, as it is in crm-online.
        support, confidence = MIN_SUPPORT * 100, MIN_CONFIDENCE * 100
        found = eclat(baskets, target="r", supp=support, conf=confidence, zmin=2, zmax=3, report="aC", mode="o")
        rules[:] = [(head, body) for head, body, *_ in found]

    for number in range(size.rounds):
        end = size.baskets + (number + 1) * EVERY
        ways = [(ours, partial(fresh, before + number)), (theirs, partial(mined, lists[:end]))]
        for costs, work in ways if number % 2 == 0 else reversed(ways):
            costs.append(cost_of(work))
    mine, fim = middle(ours), middle(theirs)
    found = list_rules(merge([counted], 0, MIN_SUPPORT), settings, (), NOBODY)
    at = f"at {size.baskets:,} baskets"
    report.add(f"pyfim, all mined again, CPU {at}", fim.cpu * 1e3, "ms")
    report.add(f"crm-online, counted on and derived, CPU {at}", mine.cpu * 1e3, "ms")
    report.add(f"ratio of CPU {at}", fim.cpu / mine.cpu, "×", least=size.target)
    report.add(f"ratio of wall time {at}", fim.wall / mine.wall, "×")
    report.add(f"rules that pyfim finds {at}, one item on the right", len(rules))
    single = {_sides(rule) for rule in found if len(_sides(rule)[1]) == 1}
    report.add(f"rules that crm-online finds {at}, one item on the right", len(single))
    named = {(frozenset(whole.names[item] for item in body), frozenset({whole.names[head]})) for head, body in rules}
    report.add(f"rules that only one of them finds {at}, one item on the right", len(named ^ single))
    report.add(f"rules that crm-online finds {at}, all", len(found))


def _sides(rule: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(rule["antecedent"]), frozenset(rule["consequent"])
