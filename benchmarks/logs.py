"""The real logs that are measured with, as whole baskets or as files."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from crm_online.cli.commands.demo import shop_log
from crm_online.errors import NoSuchLog
from crm_online.events.options import LogOptions
from crm_online.itemsets.baskets import Baskets

ROOT = Path(__file__).resolve().parent.parent


def shared(name: str) -> Path:
    """Return a file of the folder of real logs: beside the checkout, or where CRM_ONLINE_SHARED says.

    Raises
    ------
    NoSuchLog
        If it is not there.
    """
    path = Path(os.environ.get("CRM_ONLINE_SHARED") or ROOT.parent / "shared" / "data") / name
    if not path.exists():
        raise NoSuchLog(f"there is no {path} (CRM_ONLINE_SHARED names another folder)")
    return path


MEMBERS = LogOptions(mapping={"customer_id": "member", "basket_id": "basket", "item": "item", "time": "time"})
"""How the file of :func:`members_file` is read."""


def members_file(folder: Path) -> Path:
    """Write the groceries by member as a Parquet file in order of time; a basket is a member's day."""
    lines = pd.read_csv(shared("groceries_members.csv.gz"))
    time = pd.to_datetime(lines["Date"], format="%d-%m-%Y")
    member = lines["Member_number"].astype(str)
    basket = member + " " + time.dt.strftime("%Y-%m-%d")
    table = pd.DataFrame({"member": member, "basket": basket, "item": lines["itemDescription"], "time": time})
    path = folder / "members.parquet"
    table.sort_values("time", kind="stable").to_parquet(path, index=False)
    return path


@dataclass(frozen=True, slots=True)
class Log:
    """All baskets of a log in its order; their time is 0."""

    baskets: Baskets
    names: list[str]

    @classmethod
    def from_lines(cls, basket: pd.Series, item: pd.Series) -> Log:
        """Gather order lines, parallel; baskets are in the order in which they first appear."""
        number, _ = pd.factorize(basket)
        codes, names = pd.factorize(item)
        times = np.zeros(int(number.max()) + 1, np.int64)
        return cls(
            Baskets.from_lines(number.astype(np.int64), codes.astype(np.int32), times), [str(name) for name in names]
        )

    def __len__(self) -> int:
        return len(self.baskets)

    def lists(self) -> list[list[int]]:
        """Return each basket's items as a list of ascending ids."""
        items = self.baskets.items.tolist()
        return [items[a:b] for a, b in pairwise(self.baskets.start.tolist())]

    def batches(self, size: int) -> list[Baskets]:
        """Cut into batches."""
        start, times, items = self.baskets.start, self.baskets.times, self.baskets.items
        cuts = [*range(0, len(times), size), len(times)]
        return [Baskets(times[a:b], start[a : b + 1] - start[a], items[start[a] : start[b]]) for a, b in pairwise(cuts)]

    def ordered(self, order: NDArray[np.int64]) -> Log:
        """Return some baskets in another order; a basket may come several times."""
        start = self.baskets.start
        sizes = np.diff(start)[order]
        fresh = np.concatenate(([0], np.cumsum(sizes)))
        places = np.repeat(start[order] - fresh[:-1], sizes) + np.arange(fresh[-1])
        return Log(Baskets(np.zeros(len(order), np.int64), fresh, self.baskets.items[places]), self.names)

    def first(self, number: int) -> Log:
        """Return the first baskets."""
        return self.ordered(np.arange(min(number, len(self))))

    def repeated(self, times: int, seed: int = 1) -> Log:
        """Return the log several times over, the later ones shuffled."""
        random = np.random.default_rng(seed)
        later = [random.permutation(len(self)) for _ in range(times - 1)]
        return self.ordered(np.concatenate([np.arange(len(self)), *later]))


@lru_cache(maxsize=1)
def t10i4() -> Log:
    """T10I4D100K, IBM Quest generator."""
    return _of_lines(shared("T10I4D100K.dat"), None)


def groceries() -> Log:
    """Groceries of Hahsler, Hornik, Reutterer 2006."""
    return _of_lines(shared("groceries.csv"), ",")


def bms1() -> Log:
    """BMS-WebView-1, KDD Cup 2000."""
    return _of_lines(shared("bms1.txt.gz"), None)


def fimi_retail() -> Log:
    """Retail of a Belgian supermarket, Brijs 1999."""
    return _of_lines(shared("fimi_retail.dat.gz"), None)


def groceries_members() -> Log:
    """Groceries by member: a basket is a member's day."""
    lines = pd.read_csv(shared("groceries_members.csv.gz"), dtype=str)
    return Log.from_lines(lines["Member_number"] + lines["Date"], lines["itemDescription"])


def online_retail(*, known: bool = True) -> Log:
    """Online Retail: known customers or all, no cancelled invoices, no negative quantities."""
    lines = pd.read_parquet(shared("online_retail.parquet"))
    invoice = lines["InvoiceNo"].astype(str)
    item = lines["StockCode"].astype(str).str.strip().str.upper()
    good = ~invoice.str.startswith("C") & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    if known:
        good &= lines["CustomerID"].notna()
    return Log.from_lines(invoice[good], item[good])


def online_retail_all() -> Log:
    """Online Retail with unknown customers."""
    return online_retail(known=False)


@lru_cache(maxsize=2)
def complete_journey_lines(number: int | None) -> pd.DataFrame:
    """Return the first order lines of the Complete Journey, with the category of each product; ``None``: all."""
    products = pd.read_parquet(shop_log().parent / "products.parquet", columns=["product_id", "product_category"])
    return _sold(number).merge(products, how="left", on="product_id")


def complete_journey() -> Log:
    """Return the Complete Journey by product category."""
    lines = complete_journey_lines(None).dropna(subset=["product_category"])
    return Log.from_lines(lines["basket_id"], lines["product_category"])


def complete_journey_file(folder: Path, number: int | None) -> Path:
    """Return a file of the first lines of the Complete Journey, made in a folder; ``None``: of all."""
    if number is None:
        return shop_log()
    path = folder / f"first-{number}.parquet"
    _sold(number).to_parquet(path, index=False)
    products = folder / "products.parquet"
    if not products.exists():
        products.symlink_to(shop_log().parent / "products.parquet")
    return path


def _sold(number: int | None) -> pd.DataFrame:
    with pq.ParquetFile(shop_log()) as file:
        wanted = file.metadata.num_rows if number is None else number
        return next(file.iter_batches(batch_size=wanted)).to_pandas()


def _of_lines(path: Path, separator: str | None) -> Log:
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
    baskets = [[item for item in map(str.strip, line.split(separator)) if item] for line in lines]
    number = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    return Log.from_lines(pd.Series(number), pd.Series([item for basket in baskets for item in basket], dtype=object))
