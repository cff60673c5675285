"""How good predictions are: who buys again within 90 days, said as of a cut-off by the state as it was then."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.logs import shared
from benchmarks.report import Report
from crm_online.cli.commands.demo import shop_log
from crm_online.events.options import LogOptions
from crm_online.lookup.lookup import open_lookup
from crm_online.predictions.models import MODELS
from crm_online.predictions.models.figures import calibration_error
from crm_online.replay import replay
from crm_online.settings import Settings

HORIZON = pd.Timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Shop:
    """A log with its lines: who bought when.

    Attributes
    ----------
    name
        Its name.
    read
        Reads all its lines.
    who, time
        Columns of customers and times.
    bought
        Returns which lines are purchases.
    options
        How it is replayed.
    beside
        A file that the replay needs next to the log.
    """

    name: str
    read: Callable[[], pd.DataFrame]
    who: str
    time: str
    bought: Callable[[pd.DataFrame], pd.Series]
    options: LogOptions
    beside: Callable[[], Path] | None = None


JOURNEY = Shop(
    "Complete Journey",
    lambda: pd.read_parquet(shop_log()),
    "household_id",
    "transaction_timestamp",
    lambda lines: lines["basket_id"].notna(),
    LogOptions(preset="complete-journey"),
    lambda: shop_log().parent / "products.parquet",
)
RETAIL = Shop(
    "Online Retail",
    lambda: pd.read_parquet(shared("online_retail.parquet")),
    "CustomerID",
    "InvoiceDate",
    lambda lines: (
        lines["CustomerID"].notna()
        & ~lines["InvoiceNo"].astype(str).str.startswith("C")
        & (lines["Quantity"] > 0)
        & (lines["UnitPrice"] > 0)
    ),
    LogOptions(preset="online-retail"),
)
CDNOW = Shop(
    "CDNOW",
    lambda: pd.read_csv(shared("cdnow.csv.gz")),
    "who",
    "at",
    lambda lines: lines["n"] > 0,
    LogOptions(
        mapping={
            "customer_id": "who",
            "basket_id": "order_no",
            "time": "at",
            "item": "what",
            "quantity": "n",
            "price": "unit",
        }
    ),
)
FULL = (
    (JOURNEY, "2017-10-01", 0.885),
    (RETAIL, "2011-09-10", 0.738),
    (CDNOW, "1997-10-01", 0.772),
    (CDNOW, "1998-01-01", 0.800),
    (CDNOW, "1998-04-01", 0.834),
)
"""Logs and cut-offs, with the least ROC AUC of the ensemble."""
QUICK = FULL[1:2]


def run(cases: tuple[tuple[Shop, str, float], ...]) -> Report:
    """Replay each log up to its cut-off, and judge what is predicted then by what happened."""
    report = Report("Who buys again within 90 days, predicted as of a cut-off")
    for shop, day, least in cases:
        with tempfile.TemporaryDirectory() as folder:
            _judge(report, shop, pd.Timestamp(day), least, Path(folder))
    report.notes.append("all customers who bought before the cut-off; the log ends there; default settings")
    return report


def _judge(report: Report, shop: Shop, cut: pd.Timestamp, least: float, folder: Path) -> None:
    lines = shop.read()
    time = pd.to_datetime(lines[shop.time], utc=True).dt.tz_localize(None)
    log, state = folder / "log.parquet", folder / "state"
    lines[time < cut].to_parquet(log, index=False)
    if shop.beside:
        (folder / shop.beside().name).symlink_to(shop.beside())
    replay([log], settings=Settings(), state=str(state), options=shop.options)
    with open_lookup(str(state)) as lookup:
        found = lookup.customers_frame(round(cut.timestamp() * 1000)).set_index("customer_id")
    bought = shop.bought(lines)
    before = _ids(lines.loc[bought & (time < cut), shop.who])
    again = _ids(lines.loc[bought & (time >= cut) & (time < cut + HORIZON), shop.who])
    customers = sorted(before)
    y = np.array([name in again for name in customers], np.float64)
    name = f"{shop.name}, {cut:%Y-%m-%d}"
    chances = found.reindex(customers)
    p = {model: chances[f"p_purchase_{model}"].fillna(y.mean()).to_numpy(np.float64) for model in MODELS}
    report.add(f"{name}: customers", len(customers))
    for model in MODELS:
        report.add(f"{name}: ROC AUC, {model}", _auc(y, p[model]), least=least if model == "ensemble" else None)
    report.add(f"{name}: calibration error, ensemble", calibration_error(y, p["ensemble"]), most=0.03)
    report.add(f"{name}: ROC AUC, expected purchases", _auc(y, chances["expected_purchases"].fillna(0).to_numpy()))


def _auc(y: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    return float(roc_auc_score(y, p))


def _ids(column: pd.Series) -> set[str]:
    return {str(int(one)) if isinstance(one, float) else str(one) for one in column.unique()}
