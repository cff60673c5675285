"""Rules by rank against rules by measures: how often the next order after the antecedent had the consequent."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.logs import MEMBERS, members_file, shared
from benchmarks.recommend.month import Basket, baskets_of
from benchmarks.report import Report
from crm_online.baskets.transitions import Transition
from crm_online.cli.commands.demo import shop_log
from crm_online.events.options import LogOptions
from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.rules.next_baskets import NextBaskets
from crm_online.settings import Settings

MOMENTS = (0.2, 0.35, 0.5, 0.65, 0.8)
"""The moments at which rules are ranked: shares of a log's lines."""
FIRST = 50
LEAST = 30
"""Orders after the moment that have the antecedent, at least; rules with fewer are passed over."""
EACH = 4
"""Rules of one consequent, at most, in the second figure."""
OURS = "rank"
SIMPLE = ("lift", "confidence", "support")


@dataclass(frozen=True, slots=True)
class Target:
    """A log: how it is read, its columns of time, customer and item, settings, and the share to be reached."""

    name: str
    options: LogOptions
    time: str
    customer: str
    item: str
    settings: Settings = field(default_factory=Settings)
    least: float | None = None
    ratio: float | None = None


RETAIL = Target(
    "Online Retail",
    LogOptions("online-retail"),
    "InvoiceDate",
    "CustomerID",
    "StockCode",
    least=0.23,
    ratio=1.1,
)
JOURNEY = Target(
    "Complete Journey",
    LogOptions("complete-journey"),
    "transaction_timestamp",
    "household_id",
    "product_id",
    least=0.305,
    ratio=1.1,
)
RARE = Settings.from_keys({"itemsets.min_support": 0.002, "rules.min_confidence": 0.05})
GROCERIES = Target("Groceries by member", MEMBERS, "time", "member", "item", RARE)


@dataclass(slots=True)
class RankReport(Report):
    """Shares of next baskets by log and way: of the first rules, and of the first with few rules a consequent.

    Attributes
    ----------
    shares
        By log, then by way: means over the moments.
    """

    shares: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def table(self) -> Table:
        """Return one table of all ways, and the figures with targets below."""
        grid = Table(title=self.title, title_justify="left")
        grid.add_column("rules in the order of", overflow="fold")
        for log in self.shares:
            grid.add_column(log, justify="right")
        for way in dict.fromkeys(way for ways in self.shares.values() for way in ways):
            cells = [f"{ways[way][0]:.3f} ({ways[way][1]:.3f})" for ways in self.shares.values()]
            grid.add_row(way, *cells, style="bold" if way == OURS else "")
        both = Table.grid()
        both.add_row(grid)
        both.add_row(Report.table(self))
        return both

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return Report.as_dict(self) | {"shares": self.shares}


def measure(report: RankReport, folder: Path, *, quick: bool) -> None:
    """Measure all logs and copies of them."""
    report.notes += [
        f"mean of the first {FIRST} rules (in brackets: with at most {EACH} rules a consequent), then of "
        f"{len(MOMENTS)} moments of the log; each rule: share of the orders after the moment with its antecedent whose "
        f"customer's next order has its consequent",
        f"rules as they are at the moment; passed over are rules with fewer than {LEAST} such orders after it",
        "in hindsight: by that share itself, which nobody can know, chance included",
    ]
    retail = pd.read_parquet(shared("online_retail.parquet"))
    _measure(report, RETAIL, retail, folder)
    if quick:
        return
    journey = pd.read_parquet(shop_log())
    (folder / "products.parquet").symlink_to(shop_log().parent / "products.parquet")
    _measure(report, JOURNEY, journey, folder)
    _measure(report, GROCERIES, pd.read_parquet(members_file(folder)), folder)
    for target, lines, share in ((RETAIL, retail, 0.4), (JOURNEY, journey, 0.2)):
        _measure(report, _copy(target, f"{share:.0%} of the customers"), thinned(target, lines, share), folder)
    _measure(report, _copy(RETAIL, "renamed"), renamed(RETAIL, retail), folder)
    _measure(report, _copy(RETAIL, "shuffled within a day"), shuffled(RETAIL, retail), folder)


def _copy(target: Target, what: str) -> Target:
    return Target(f"{target.name}, {what}", target.options, target.time, target.customer, target.item, target.settings)


def thinned(target: Target, lines: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return the lines of some customers."""
    customers = lines[target.customer].drop_duplicates().sample(frac=share, random_state=1)
    return lines[lines[target.customer].isin(customers)]


def renamed(target: Target, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with other names of customers and items."""
    draw = np.random.default_rng(2)
    other = lines.copy()
    for column in (target.customer, target.item):
        codes, names = pd.factorize(lines[column])
        fresh = pd.Series([f"n{number}" for number in draw.permutation(len(names))], dtype=object)
        other[column] = fresh.reindex(codes).to_numpy()
    return other


def shuffled(target: Target, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines in another order within each day."""
    other = lines.sample(frac=1.0, random_state=3)
    day = pd.to_datetime(other[target.time]).dt.floor("D")
    return other.loc[day.sort_values(kind="stable").index]


def _measure(report: RankReport, target: Target, lines: pd.DataFrame, folder: Path) -> None:
    state = str(folder / f"state {target.name}")
    cuts = [0, *(int(len(lines) * moment) for moment in MOMENTS)]
    whole = folder / "whole.parquet"
    lines.to_parquet(whole, index=False)
    baskets = sorted(baskets_of(whole, target.options), key=lambda basket: basket.time)
    found: dict[str, list[tuple[float, float]]] = {}
    for begin, end in pairwise(cuts):
        part = folder / f"{target.name} {begin}.parquet"
        lines.iloc[begin:end].to_parquet(part, index=False)
        replay([part], settings=target.settings, state=state, options=target.options)
        with open_lookup(state) as lookup:
            rules, now = lookup.rules(), lookup.watermark
        for way, share in judged(rules, [basket for basket in baskets if basket.time > now]).items():
            found.setdefault(way, []).append(share)
    means = {way: tuple(np.nanmean(shares, axis=0).tolist()) for way, shares in found.items()}
    report.shares[target.name] = {way: (one, other) for way, (one, other) in means.items()}
    ours, best = report.shares[target.name][OURS], max(report.shares[target.name][way][1] for way in SIMPLE)
    report.add(f"{target.name}: the first {FIRST} by rank", ours[0], least=target.least)
    report.add(f"{target.name}: {EACH} a consequent, to the best measure", ours[1] / best, "×", least=target.ratio)


def judged(rules: Sequence[Mapping[str, Any]], baskets: Sequence[Basket]) -> dict[str, tuple[float, float]]:
    """Return of each way the share of its first rules that came true, and the same with few rules a consequent."""
    numbers: dict[str, int] = {}
    last: dict[str, list[int]] = {}
    transitions = list[Transition]()
    for basket in baskets:
        if basket.customer is not None:
            items = [numbers.setdefault(item, len(numbers)) for item in basket.items]
            if basket.customer in last:
                transitions.append(Transition(len(transitions), basket.customer, last[basket.customer], items))
            last[basket.customer] = items
    for rule in rules:
        for item in (*rule["antecedent"], *rule["consequent"]):
            numbers.setdefault(item, len(numbers))
    names = list(numbers)
    x, y = (_sides([rule[side] for rule in rules], numbers) for side in ("antecedent", "consequent"))
    visits, hits = NextBaskets.of([(transitions, names)]).outcomes(names, x, y)
    columns = {name: np.array([rule[name] for rule in rules], float) for name in (*SIMPLE, OURS, "count")}
    popularity = columns["confidence"] / columns["lift"]
    share = hits / np.maximum(visits, 1)
    ways = {
        OURS: -columns[OURS],
        "the fixed score": _sure(columns["confidence"], columns["count"]) * np.sqrt(popularity),
        **{name: columns[name] for name in SIMPLE},
        "popularity of the consequent": popularity,
        "in hindsight": share,
    }
    consequents = [tuple(rule["consequent"]) for rule in rules]
    found = {}
    for way, score in ways.items():
        rows = [row for row in np.argsort(-score, kind="stable").tolist() if visits[row] >= LEAST]
        seen = Counter[tuple[str, ...]]()
        few = list[int]()
        for row in rows:
            seen[consequents[row]] += 1
            if seen[consequents[row]] <= EACH:
                few.append(row)
        found[way] = _mean(share, rows[:FIRST]), _mean(share, few[:FIRST])
    return found


def _sure(confidence: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    z, trials = 1.959963984540054, count / confidence
    spread = z * np.sqrt(np.maximum(confidence * (1 - confidence), 0) / trials + z**2 / trials**2 / 4)
    low: NDArray[np.float64] = (confidence + z**2 / trials / 2 - spread) / (1 + z**2 / trials)
    return low


def _mean(share: NDArray[np.float64], rows: Sequence[int]) -> float:
    return float(share[list(rows)].mean()) if rows else float("nan")


def _sides(sides: Sequence[Sequence[str]], numbers: Mapping[str, int]) -> NDArray[np.int32]:
    width = max((len(side) for side in sides), default=1)
    found = np.full((len(sides), width), -1, np.int32)
    for row, side in enumerate(sides):
        found[row, : len(side)] = [numbers[item] for item in side]
    return found


def run(fresh: Report, *, quick: bool) -> RankReport:
    """Measure all logs, and put the figures of how rules are kept fresh behind."""
    report = RankReport("Rules by rank: how often the next basket held the consequent")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        measure(report, Path(name), quick=quick)
    report.figures += fresh.figures
    report.notes += [f"{fresh.title}:", *fresh.notes]
    return report
