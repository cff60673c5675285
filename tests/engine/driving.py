"""Drives partitions through a real embedded Redis, with logs made by tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from crm_online.lookup import Lookup, open_lookup
from crm_online.replay import ReplayResult, replay
from crm_online.settings import load_settings
from tests.replay import shop

QUICK = ("replay.step=150", "segments.min_customers=60", "rules.every=100", "itemsets.min_support=0.05")


def run(folder: Path, events: list[dict[str, object]], settings: Iterable[str] = ()) -> ReplayResult:
    """Replay events from a file into ``folder/state``, with changes in ``folder/out``."""
    folder.mkdir(parents=True, exist_ok=True)
    log = shop.write(folder / "log.jsonl", events)
    chosen = load_settings(None, [*QUICK, *settings]).settings
    return replay([log], settings=chosen, state=str(folder / "state"), out=folder / "out")


def customers(folder: Path, as_of: int | None = None) -> pd.DataFrame:
    """Return all customers of the state in ``folder/state``."""
    with open_lookup(str(folder / "state")) as lookup:
        return lookup.customers_frame(as_of)


def itemsets(folder: Path) -> dict[tuple[str, ...], tuple[float, float]]:
    """Return count and error of the frequent itemsets of the state in ``folder/state``."""
    with open_lookup(str(folder / "state")) as lookup:
        found = lookup.itemsets()
    bounds = zip(found.sets.count.tolist(), found.sets.error.tolist(), strict=True)
    return dict(zip(found.named(), bounds, strict=True))


def purchase(customer: str | None, time: int, items: Sequence[str], **more: object) -> dict[str, object]:
    """Return a purchase of one piece of each item for 10; ``time`` in seconds."""
    lines = [{"item": item, "quantity": 1, "price": 10} for item in items]
    return {"type": "purchase", "customer_id": customer, "time": time, "items": lines, **more}


__all__ = ["QUICK", "Lookup", "customers", "itemsets", "purchase", "run"]
