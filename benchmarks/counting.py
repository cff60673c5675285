"""Counting baskets to triples: the vectorised counters against a loop over baskets, with the same gates."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.clock import side_by_side
from benchmarks.logs import t10i4
from benchmarks.plain_counting import PlainCounters
from benchmarks.report import Report
from crm_online.decay import Decay
from crm_online.itemsets.counters import ItemsetCounters

MIN_SUPPORT = 0.005
EPSILON = MIN_SUPPORT / 10
BUDGET = 256_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many baskets, in batches of how many, and how often."""

    baskets: int
    batch: int
    rounds: int


FULL = Sizes(100_000, 2000, 3)
QUICK = Sizes(30_000, 2000, 1)


def run(sizes: Sizes) -> Report:
    """Count the same baskets in both ways."""
    log = t10i4().first(sizes.baskets)
    batches, lists = log.batches(sizes.batch), log.lists()
    ours: list[ItemsetCounters] = []
    plain: list[PlainCounters] = []

    def vectorised() -> None:
        counters = ItemsetCounters(EPSILON, Decay(None), 3, BUDGET)
        for batch in batches:
            counters.count(batch)
        ours.append(counters)

    def looped() -> None:
        counters = PlainCounters(EPSILON)
        counters.count(lists)
        plain.append(counters)

    costs = side_by_side({"ours": vectorised, "plain": looped}, sizes.rounds)
    missed = _missed(ours[-1], plain[-1], len(log))
    report = Report(f"Counting {len(log):,} baskets of T10I4D100K to triples, ε = {EPSILON:g}")
    report.add("a loop over baskets, CPU a basket", costs["plain"].cpu / len(log) * 1e6, "µs")
    report.add("crm-online, CPU a basket", costs["ours"].cpu / len(log) * 1e6, "µs")
    report.add("ratio of CPU", costs["plain"].cpu / costs["ours"].cpu, "×", least=6)
    report.add("ratio of wall time", costs["plain"].wall / costs["ours"].wall, "×")
    report.add(f"itemsets at {MIN_SUPPORT:.1%} by one way whose bounds in the other do not fit", missed, most=0)
    report.notes.append(f"both gate and prune alike; batches of {sizes.batch}; medians of {sizes.rounds}")
    return report


def _missed(ours: ItemsetCounters, plain: PlainCounters, baskets: int) -> int:
    """Return how many itemsets are certainly frequent by one way, but cannot be by the other."""
    least = MIN_SUPPORT * baskets
    sets = ours.frequent(MIN_SUPPORT, 0)
    upper = sets.count + sets.error
    mine = {
        tuple(item for item in row if item >= 0): (float(low), float(high))
        for row, low, high in zip(sets.items.tolist(), sets.count, upper, strict=True)
    }
    theirs: dict[tuple[int, ...], tuple[float, float]] = {(i,): (n, n) for i, n in plain.items.items()}
    theirs |= {pair: (entry[0], entry[0] + entry[1]) for pair, entry in plain.pairs.items()}
    theirs |= {triple: (entry[0], entry[0] + entry[1]) for triple, entry in plain.triples.items()}
    lost = sum(low >= least and high < theirs.get(key, (0, 0))[0] for key, (low, high) in mine.items())
    for key, (low, high) in theirs.items():
        if low >= least:
            found = mine.get(key, (0.0, 0.0))
            lost += found[1] < low or found[0] > high
    return lost + sum(low >= least and key not in theirs for key, (low, _) in mine.items())
