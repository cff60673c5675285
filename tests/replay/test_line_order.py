"""Lines of Online Retail in any order within a day, cut into files: totals, baskets and counts as by pandas."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import load_settings

MIN_SUPPORT = 0.02
LINES = 120_000
"""Three months of them, cut where a day, and mostly an order, is not over."""
CUTS = (0, 27_457, 90_001, LINES)


@pytest.fixture(scope="module")
def lines(shared_data: Path) -> pd.DataFrame:
    whole = pd.read_parquet(shared_data / "online_retail.parquet").drop(columns=["Description", "Country"])
    return whole.iloc[:LINES]


def kept(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that are no rejects, with what they are; invoice numbers of a customer are never used again."""
    frame = lines.assign(
        returned=lines["InvoiceNo"].str[:1].isin(["C", "c"]),
        customer=lines["CustomerID"].astype("Int64").astype("string").fillna(""),
        item=lines["StockCode"].str.strip(),
        time=pd.to_datetime(lines["InvoiceDate"]),
    )
    return frame[(frame["UnitPrice"] > 0) & ((frame["Quantity"] > 0) | frame["returned"])]


def frequent(frame: pd.DataFrame) -> tuple[int, dict[tuple[str, ...], int]]:
    """Return the number of baskets, and of those the items and pairs that are frequent."""
    orders = frame[~frame["returned"]]
    baskets = orders.groupby(["customer", "InvoiceNo"])["item"].agg(lambda items: sorted(set(items)))
    single = baskets.explode().value_counts()
    often = single.index[single >= MIN_SUPPORT * len(baskets)]
    pairs = pd.Series([pair for basket in baskets for pair in combinations(sorted(set(basket) & set(often)), 2)])
    pair = pairs.value_counts()
    counts: dict[tuple[str, ...], int] = {(str(item),): int(single[item]) for item in often}
    pair = pair[pair >= MIN_SUPPORT * len(baskets)]
    return len(baskets), counts | dict(zip(pair.index.tolist(), pair.tolist(), strict=True))


@pytest.mark.slow
def test_lines_of_a_day_in_any_order_and_cut_into_files_give_the_same(tmp_path: Path, lines: pd.DataFrame) -> None:
    shuffled = lines.assign(day=lines["InvoiceDate"].str[:10]).sample(frac=1, random_state=7)
    shuffled = shuffled.sort_values("day", kind="stable").drop(columns="day")
    settings = load_settings(
        None,
        [
            *("itemsets.epsilon=0", f"itemsets.min_support={MIN_SUPPORT}", "itemsets.half_life=none"),
            *("itemsets.max_size=2", "segments.min_customers=1000000", "rules.every=1000000"),
            "predictions.enabled=false",
        ],
    ).settings
    baskets = 0
    for number, (begin, end) in enumerate(pairwise(CUTS)):
        shuffled.iloc[begin:end].to_parquet(tmp_path / f"{number}.parquet")
        done = replay([tmp_path / f"{number}.parquet"], settings=settings, state=str(tmp_path / "state"))
        baskets += done.baskets
    frame = kept(lines)
    expected, counts = frequent(frame)
    assert baskets == expected

    known = frame[frame["customer"] != ""]
    invoices = known.groupby(["customer", "returned"])["InvoiceNo"].nunique().unstack(fill_value=0)
    with open_lookup(str(tmp_path / "state")) as lookup:
        customers = lookup.customers_frame().set_index("customer_id").sort_index()
        found = lookup.itemsets()
    assert customers.index.tolist() == invoices.index.tolist()
    assert customers["purchases"].tolist() == invoices[False].tolist()
    assert customers["returns"].tolist() == invoices[True].tolist()
    bought = known[~known["returned"]]
    spend = (
        (bought["Quantity"] * bought["UnitPrice"]).groupby(bought["customer"]).sum().reindex(customers.index).fillna(0)
    )
    np.testing.assert_allclose(customers["spend"], spend, rtol=1e-9)
    named = {tuple(sorted(items)): n for items, n in zip(found.named(), found.sets.count.tolist(), strict=True)}
    assert named == counts
    assert not found.sets.error.any()
