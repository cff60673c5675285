"""An export and the oracle's count of the same log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from tests.kafka.oracle import RELATIVE, Oracle


def compare(export: Path, oracle: Oracle, min_support: float = 0.01, max_size: int = 3) -> list[str]:
    """Return the differences between what ``crm-online export`` wrote and the oracle, one line each.

    Parameters
    ----------
    export
        The folder; its itemsets must be counted with ``itemsets.epsilon=0`` and ``itemsets.half_life=none``.
    oracle
        The count, as of the time of the export.
    min_support, max_size
        The settings ``itemsets.min_support`` and ``itemsets.max_size``.
    """
    customers, itemsets = (pd.read_parquet(export / f"{name}.parquet") for name in ("customers", "itemsets"))
    return compare_frames(customers, itemsets, oracle, min_support, max_size)


def compare_frames(
    customers: pd.DataFrame, itemsets: pd.DataFrame, oracle: Oracle, min_support: float = 0.01, max_size: int = 3
) -> list[str]:
    """Return the differences between the frames of an export and the oracle; see :func:`compare`."""
    return [*_customers(customers, oracle), *_itemsets(itemsets, oracle, min_support, max_size)]


def _customers(found: pd.DataFrame, oracle: Oracle) -> Iterator[str]:
    for name in found["customer_id"][found["customer_id"].duplicated()]:
        yield f"customer {name}: there more than once"
    found = found.drop_duplicates("customer_id").set_index("customer_id")
    for column in ("first_event", "last_event"):
        found[column] = (found[column] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)
    yield from (f"customer {name}: missing" for name in oracle.customers.index.difference(found.index))
    yield from (f"customer {name}: not in the log" for name in found.index.difference(oracle.customers.index))
    yield from (f"column {column}: missing" for column in oracle.customers.columns.difference(found.columns))
    both = found.index.intersection(oracle.customers.index)
    for column in oracle.customers.columns.intersection(found.columns):
        is_, should = (frame.loc[both, column].to_numpy(float) for frame in (found, oracle.customers))
        for row in np.flatnonzero(~np.isclose(is_, should, rtol=RELATIVE, atol=0)).tolist():
            yield f"customer {both[row]}: {column} is {is_[row]!r}, should be {should[row]!r}"


def _itemsets(found: pd.DataFrame, oracle: Oracle, min_support: float, max_size: int) -> Iterator[str]:
    counts = {tuple(sorted(items)): count for items, count in zip(found["items"], found["count"], strict=True)}
    if len(counts) < len(found):
        yield "itemsets: one is there more than once"
    if (found["error"] != 0).any():
        yield f"itemsets: errors up to {found['error'].max()}, should be 0"
    for items in sorted(oracle.frequent(min_support, max_size).keys() - counts.keys()):
        yield f"itemset {items}: missing, should be {oracle.count(items)}"
    for items, count in counts.items():
        if count != (should := oracle.count(items)):
            yield f"itemset {items}: {count}, should be {should}"
    baskets = (found["count"] / found["support"]).round(6).unique()
    if len(baskets) and baskets.tolist() != [len(oracle.baskets)]:
        yield f"baskets: {baskets.tolist()}, should be {len(oracle.baskets)}"
