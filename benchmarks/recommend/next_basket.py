"""Hide the last basket of each customer, and see how much of it ten recommendations for the customer have.

The protocol of Li, Jullien, Ariannezhad and de Rijke: A Next Basket Recommendation Reality Check, ACM TOIS 2023. Means
are over customers; the ideal of NDCG is over all items of the basket, of which there may be more than ten.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.logs import MEMBERS, members_file, shared
from benchmarks.recommend.baselines import TOP, Learned
from benchmarks.recommend.month import Basket, Hidden, baskets_of
from benchmarks.report import Report
from crm_online.cli.commands.demo import shop_log
from crm_online.errors import UnknownCustomer
from crm_online.events.options import LogOptions
from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import Settings

PRODUCTS = LogOptions(
    mapping={
        "customer_id": "household_id",
        "basket_id": "basket_id",
        "item": "product_id",
        "time": "transaction_timestamp",
    }
)
"""The Complete Journey by product, where the preset reads categories."""


@dataclass(frozen=True, slots=True)
class Target:
    """A log, how it is read, the columns of customers, baskets and times, and the least recall and NDCG."""

    name: str
    options: LogOptions
    columns: tuple[str, str, str]
    least: tuple[float | None, float | None] = (None, None)


_JOURNEY = ("household_id", "basket_id", "transaction_timestamp")
CATEGORIES = Target("Complete Journey by category", LogOptions("complete-journey"), _JOURNEY, (0.347, 0.313))
BY_PRODUCT = Target("Complete Journey by product", PRODUCTS, _JOURNEY, (0.160, 0.147))
MEMBERS_DAYS = Target("Groceries by member", MEMBERS, ("member", "basket", "time"), (0.387, None))
RETAIL = Target("Online Retail", LogOptions("online-retail"), ("CustomerID", "InvoiceNo", "InvoiceDate"))


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over customers: recall@10, NDCG@10, and recall of the items bought before and of those that are new."""

    recall: float
    ndcg: float
    repeated: float
    new: float


Way = Callable[[str], Sequence[str]]
"""Returns the items recommended to a customer, the best first."""


def run(*, quick: bool) -> Report:
    """Measure on each log; ``quick``: on the smallest one only."""
    report = Report("The last basket of each customer, hidden, by what is known of the customer and of all others")
    with tempfile.TemporaryDirectory(prefix="crm-online-bench-") as name:
        folder = Path(name)
        for number, target in enumerate((MEMBERS_DAYS,) if quick else (MEMBERS_DAYS, RETAIL, CATEGORIES, BY_PRODUCT)):
            here = folder / str(number)
            here.mkdir()
            _measure(report, target, _file(target, here), here, limited=not quick)
    report.notes += [
        "recall and NDCG are means over the customers with two baskets or more; their last one is hidden",
        "repeated, new: recall of the basket's items that the customer bought before, and of the others",
    ]
    return report


def _file(target: Target, folder: Path) -> Path:
    if target is MEMBERS_DAYS:
        return members_file(folder)
    if target is RETAIL:
        return shared("online_retail.parquet")
    (folder / "products.parquet").symlink_to(shop_log().parent / "products.parquet")
    return shop_log()


def _measure(report: Report, target: Target, path: Path, folder: Path, *, limited: bool) -> None:
    before, hidden = hide_last(path, target, folder)
    earlier = list(baskets_of(before, target.options))
    bought: dict[str, set[str]] = {}
    for basket in earlier:
        if basket.customer is not None:
            bought.setdefault(basket.customer, set()).update(basket.items)
    asked = [one for one in hidden if one.customer in bought]
    learned = Learned(earlier)
    ways = {"most popular": learned.most_popular(), "own history, with decay": learned.own_history(decayed=True)}
    for label, way in ways.items():
        found = quality(asked, bought, lambda customer, way=way: way(Hidden(customer, [], "")))  # type: ignore[misc]
        _add(report, target.name, label, found, (None, None))
    state = str(folder / "state")
    replay([before], settings=Settings(), state=state, options=target.options)
    with open_lookup(state) as lookup:

        def ours(customer: str) -> Sequence[str]:
            try:
                found: Any = lookup.recommend(customer, [], TOP)
            except UnknownCustomer:
                found = lookup.recommend(None, [], TOP)
            return [one["item"] for one in found["items"]]

        _add(report, target.name, "crm-online", quality(asked, bought, ours), target.least if limited else (None, None))
    report.add(f"{target.name}: customers", len(asked))


def _add(report: Report, log: str, way: str, found: Quality, least: tuple[float | None, float | None]) -> None:
    names = ("recall @10", "NDCG @10", "recall of repeated items", "recall of new items")
    for name, value, bound in zip(names, astuple(found), (*least, None, None), strict=True):
        report.add(f"{log}, {way}: {name}", value, least=bound)


def hide_last(path: Path, target: Target, folder: Path) -> tuple[Path, list[Basket]]:
    """Write a log without the last basket of each customer, and return that file and these baskets."""
    table = pd.read_parquet(path)
    customer, basket, time = (table[name] for name in target.columns)
    when = pd.to_datetime(time).groupby([customer, basket]).transform("max")
    order = pd.DataFrame({"customer": customer, "basket": basket.astype(str), "when": when}).dropna()
    if target is RETAIL:
        order = order[~order["basket"].str.startswith("C")]
    last = order.sort_values(["when", "basket"], kind="stable").groupby("customer")["basket"].last()
    is_last = (customer.map(last) == basket.astype(str)).to_numpy()
    before, hidden = folder / "before.parquet", folder / "hidden.parquet"
    table[~is_last].to_parquet(before, index=False)
    table[is_last].to_parquet(hidden, index=False)
    return before, list(baskets_of(hidden, target.options))


def quality(hidden: Sequence[Basket], bought: dict[str, set[str]], way: Way) -> Quality:
    """Return how much of the hidden baskets a way finds.

    Parameters
    ----------
    hidden
        The last basket of each customer, all of them with a customer.
    bought
        What each customer bought before.
    """
    discounts = 1 / np.log2(np.arange(2, 2 + max((len(one.items) for one in hidden), default=TOP) + TOP))
    recall, ndcg, repeated, new = list[float](), list[float](), list[float](), list[float]()
    for one in hidden:
        assert one.customer is not None
        true, known = set(one.items), bought.get(one.customer, set())
        found = list(way(one.customer))[:TOP]
        hits = [place for place, item in enumerate(found) if item in true]
        recall.append(len(hits) / len(true))
        ndcg.append(float(discounts[hits].sum() / discounts[: len(true)].sum()))
        for means, part in ((repeated, true & known), (new, true - known)):
            if part:
                means.append(len(part.intersection(found)) / len(part))
    return Quality(*(float(np.mean(means)) if means else 0.0 for means in (recall, ndcg, repeated, new)))
