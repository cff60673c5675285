"""Hide one item of each basket of a log's last month, and see who has it among ten recommendations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.logs import MEMBERS, complete_journey_file, members_file, shared
from benchmarks.recommend.baselines import TOP, Learned, Way
from benchmarks.recommend.compared import OURS, POPULAR, Comparison, Score
from benchmarks.recommend.month import Hidden, Split, split
from crm_online.cli.commands.demo import shop_log
from crm_online.errors import UnknownCustomer
from crm_online.events.options import LogOptions
from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """A log, and how it is read."""

    name: str
    options: LogOptions
    column: str


JOURNEY = Target("Complete Journey", LogOptions("complete-journey"), "transaction_timestamp")
RETAIL = Target("Online Retail", LogOptions("online-retail"), "InvoiceDate")
GROCERIES = Target("Groceries by member", MEMBERS, "time")


WITHOUT_BASKET = (
    POPULAR,
    "most popular, without decay",
    "most popular of the last 30 days",
    "own history",
    "own history, with decay",
)
"""The ways that need no basket."""
SUPPORT = 0.01
"""The default of ``itemsets.min_support``: rules of up to three items are ranked from here on."""
LOWER = (0.005, 0.001)
FEW = 5
"""Pairs are ranked from these supports on too, and from this number of baskets on."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lines of the Complete Journey (``None``: all), whether other logs too, and how many months before the last."""

    journey: int | None
    others: bool
    months_back: int = 0


FULL = Sizes(None, others=True)
QUICK = Sizes(300_000, others=False)


def run(sizes: Sizes) -> Comparison:
    """Compare all ways on each log."""
    report = Comparison("Recommendations beside a basket of which one item is hidden, in the log's last month")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        folder = Path(name)
        file = complete_journey_file(folder, sizes.journey)
        _compare(report, JOURNEY, file, folder / "journey", sizes)
        if sizes.others:
            _compare(report, RETAIL, shared("online_retail.parquet"), folder / "retail", sizes)
            _compare(report, GROCERIES, members_file(folder), folder / "groceries", sizes)
    report.notes += [
        "known to all: the log before the month, the rest of the basket, and the customer where the log has one",
        "baskets of one item are left out; items that no basket had before count, and nobody finds them",
        "crm-online: a state replayed with default settings; what it weighs how it learned from its own last orders",
        "the others count every basket before the month; rules have up to 3 items; ties and what lacks to ten go by "
        "popularity",
    ]
    return report


def _compare(report: Comparison, target: Target, path: Path, folder: Path, sizes: Sizes) -> None:
    folder.mkdir()
    products = shop_log().parent / "products.parquet"
    if target is JOURNEY:
        (folder / products.name).symlink_to(products)
    parts = split(path, target.options, target.column, folder, sizes.months_back)
    baselines = _baselines(parts)
    scores = {way: score(parts.hidden, recommend) for way, recommend in baselines.items()}
    alone = {way: score(parts.alone, baselines[way]) for way in WITHOUT_BASKET}
    scores[OURS], ours_alone = _ours(parts, target, folder)
    report.scores[target.name] = scores
    best = max((one.hit_rate, way) for way, one in scores.items() if way != OURS)
    best_alone = max((one.hit_rate, way) for way, one in alone.items())
    ours, least = scores[OURS].hit_rate, 1 if sizes.journey is None else None
    report.add(f"{target.name}: hit rate @10, to most popular", ours / scores[POPULAR].hit_rate, "×")
    report.add(f"{target.name}: hit rate @10, to the best of the others ({best[1]})", ours / best[0], "×", least=least)
    report.add(f"{target.name}: the same without a basket ({best_alone[1]})", ours_alone.hit_rate / best_alone[0], "×")
    report.add(f"{target.name}: baskets with an item hidden", len(parts.hidden))
    report.add(f"{target.name}: baskets of one item, left out", parts.of_one)
    report.add(f"{target.name}: baskets before", len(parts.learned))


def _baselines(parts: Split) -> dict[str, Way]:
    learned = Learned(parts.learned)
    ways = {
        POPULAR: learned.most_popular(),
        "most popular, without decay": learned.most_popular_of_all(),
        "most popular of the last 30 days": learned.most_popular_lately(),
        "own history": learned.own_history(decayed=False),
        "own history, with decay": learned.own_history(decayed=True),
        "item-kNN, sum of cosines": learned.nearest(),
    }
    rules = learned.rules(SUPPORT)
    for measure in ("confidence", "lift"):
        ways[f"highest {measure}, rules at {SUPPORT:.1%}"] = rules[measure]
        for support in LOWER:
            ways[f"highest {measure}, pairs at {support:.1%}"] = learned.pairs(measure, support)
        ways[f"highest {measure}, pairs of {FEW} baskets"] = learned.pairs(measure, baskets=FEW)
    return ways


def _ours(parts: Split, target: Target, folder: Path) -> tuple[Score, Score]:
    """Return how well crm-online does beside a basket, and without one."""
    state = str(folder / "state")
    replay([parts.before], settings=Settings(), state=state, options=target.options)
    with open_lookup(state) as lookup:

        def ours(hidden: Hidden) -> Sequence[str]:
            # A customer whom nobody knows, with a basket of which nothing is known, is no error here.
            try:
                found = lookup.recommend(hidden.customer, hidden.rest, TOP)
            except UnknownCustomer:
                found = lookup.recommend(None, [], TOP)
            items = found["items"]
            assert isinstance(items, list)
            return [one["item"] for one in items]

        return score(parts.hidden, ours), score(parts.alone, ours)


def score(hidden: Sequence[Hidden], way: Way) -> Score:
    """Return how well a way finds the hidden items."""
    hits, reciprocal = 0, 0.0
    for one in hidden:
        found = list(way(one))
        if one.item in found:
            hits += 1
            reciprocal += 1 / (found.index(one.item) + 1)
    return Score(hits / len(hidden), reciprocal / len(hidden))
