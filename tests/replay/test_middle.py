"""In the middle of a real sparse log, renamed and shuffled, segments are as good and as fresh as at its end."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.middle import replayed
from crm_online.events.options import LogOptions
from crm_online.settings import load_settings

COLUMNS = {"customer_id": "who", "basket_id": "order_no", "item": "what", "quantity": "n", "price": "unit"}
OPTIONS = LogOptions(mapping=COLUMNS | {"time": "at"})


def copied(shared_data: Path, file: Path, part: int) -> Path:
    """Write the orders of one in sixteen of CDNOW's customers, renamed, and shuffled within each day."""
    table = pd.read_csv(shared_data / "cdnow.csv.gz", dtype={"who": str})
    table = table[pd.factorize(table["who"])[0] % 16 == part]
    table = table.assign(who="x" + table["who"] + "y").sample(frac=1.0, random_state=part)
    table.sort_values("at", kind="stable").to_csv(file, index=False)
    return file


def test_segments_of_a_sparse_log_are_good_and_fresh_in_its_middle(shared_data: Path, tmp_path: Path) -> None:
    # One chunk is the whole log: only event time cuts it into steps (small chunks: tests/streams/test_catching_up.py).
    file = copied(shared_data, tmp_path / "log.csv", 3)
    settings = load_settings(None, ["replay.step=10000", "itemsets.max_size=1", "predictions.enabled=false"]).settings
    found = replayed(file, tmp_path / "state", settings, OPTIONS, moments=5)
    assert len(found.moments) == 5
    assert max(moment.J for moment in found.moments) <= 1.06
    assert max(moment.overdue for moment in found.moments) <= 0.01
    assert found.ids <= 10
