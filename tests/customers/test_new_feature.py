"""A feature is one file: put into the folder, it can be taken into use, is told in words, and is exported."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from tests.command import crm_online, printed, printed_anew
from tests.docs import made

FILE = '''
"""Orders at weekends, decayed: with a sum of its own, since no other feature adds them up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.sums import Quantities
from crm_online.events.columns import Kind
from crm_online.segments.vocabulary import Contrast, NamePart, Words

DAY = 86_400_000


def _adds(of: Quantities) -> NDArray[np.float64]:
    weekday = (of.events.time // DAY + 3) % 7  # 1970 began on a Thursday
    return (of.opens_order & of.of_kind(Kind.PURCHASE) & (weekday >= 5)).astype(np.float64)


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.sum("weekend_orders")


FEATURE = Feature(
    about="orders on Saturdays and Sundays",
    unit="orders",
    read=_read,
    sums=("weekend_orders",),
    adds={"weekend_orders": _adds},
    words=Words(
        contrast=Contrast.RATIO,
        phrase="orders {ratio} as often at weekends",
        part=NamePart.ADJECTIVE,
        none="hardly ever orders at weekends",
        high="weekend",
        more="who order more at weekends",
        less="who order less at weekends",
    ),
)
'''


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Return the folder of a copy of the product that has one file more, where a log was replayed with it."""
    here = tmp_path_factory.mktemp("copy")
    shutil.copytree(root / "crm_online", here / "crm_online", ignore=shutil.ignore_patterns("__pycache__"))
    (here / "crm_online/customers/features/weekend_orders.py").write_text(FILE, encoding="utf-8")
    made.write_jsonl(here / "log.jsonl")
    use = "features.use=orders,spending,weekend_orders"
    printed_anew(here, "replay", "log.jsonl", "--set", use, "--set", "features.half_life=none", source=here)
    return here


def test_it_counts_what_its_file_says(state: Path) -> None:
    printed_anew(state, "export", "out", source=state)
    frame = pd.read_parquet(state / "out" / "customers.parquet").set_index("customer_id")
    expected = dict.fromkeys(frame.index, 0)
    for order in made.orders():
        expected[order.customer] += _at_weekend(order.time)
    assert frame["weekend_orders"].to_dict() == expected
    assert frame["vector.weekend_orders"].std() > 0


def test_it_is_told_in_its_own_words(state: Path) -> None:
    assert "at weekends" in printed_anew(state, "segments", "--json", source=state)
    assert "orders on Saturdays and Sundays" in printed_anew(state, "customer", "C3", source=state)


def test_it_is_not_in_use_unless_it_is_named(state: Path) -> None:
    printed_anew(state, "replay", "log.jsonl", "--state", "plain", source=state)
    assert "weekend_orders" not in printed_anew(state, "segments", "--json", "--state", "plain", source=state)


def _at_weekend(time: datetime) -> bool:
    return time.weekday() >= 5


def test_its_file_may_go_where_it_is_not_in_use_and_is_missed_where_it_is(state: Path, tmp_path: Path) -> None:
    printed_anew(state, "replay", "log.jsonl", "--state", "without", source=state)
    without, log = str(state / "without"), str(state / "log.jsonl")
    assert "6 segments" in printed(tmp_path, "segments", "--state", without)
    assert printed(tmp_path, "replay", log, "--state", without)
    refused = crm_online(tmp_path, "segments", "--state", str(state / ".crm-online"))
    assert refused.returncode == 2
    assert "the feature weekend_orders, which this version does not have" in refused.stderr
