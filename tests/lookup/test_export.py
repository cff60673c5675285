"""An export is four Parquet files with the promised columns, and the same figures as the look-ups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_online.errors import StoreError
from crm_online.lookup.predictions import column_names
from crm_online.settings.fields import FEATURE_NAMES
from tests.engine import shop
from tests.engine.pipelines import Shop


@pytest.fixture(scope="module")
def folder(at_rest: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "made" / "anew"
    rows = at_rest.lookup.export(folder)
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.parquet" for name in sorted(rows)]
    for name, count in rows.items():
        assert len(pd.read_parquet(folder / f"{name}.parquet")) == count
    return folder


def test_customers_have_the_promised_columns_and_figures(at_rest: Shop, folder: Path) -> None:
    frame = pd.read_parquet(folder / "customers.parquet")
    assert list(frame) == [
        *("customer_id", "segment", "nearest", "first_event", "last_event"),
        *("purchases", "spend", "items", "returns", "events"),
        *FEATURE_NAMES,
        *(f"vector.{name}" for name in FEATURE_NAMES),
        *column_names(),
    ]
    assert frame["customer_id"].tolist() == sorted(frame["customer_id"])
    ids = {one["id"] for one in segments(at_rest)}
    assert set(frame["segment"]) <= ids
    assert set(frame["nearest"]) <= ids
    assert str(frame["last_event"].dt.tz) == "UTC"
    assert frame["last_event"].max() == pd.Timestamp(at_rest.lookup.watermark, unit="ms", tz="UTC")
    assert (frame["first_event"] <= frame["last_event"]).all()
    pd.testing.assert_frame_equal(frame, at_rest.lookup.customers_frame(), check_dtype=False)


def test_vectors_are_as_last_scored_in_standard_deviations(at_rest: Shop, folder: Path) -> None:
    frame = pd.read_parquet(folder / "customers.parquet").set_index("customer_id")
    view = at_rest.views[0]
    for names, _, records in view.batches():
        vectors = frame.loc[names, [f"vector.{name}" for name in FEATURE_NAMES]].to_numpy()
        assert np.array_equal(vectors * 1024, records.vectors)


def test_segments_rules_and_itemsets_have_their_columns(at_rest: Shop, folder: Path) -> None:
    frame = pd.read_parquet(folder / "segments.parquet")
    assert list(frame) == ["id", "name", "size", "description", *(f"centroid.{name}" for name in FEATURE_NAMES)]
    assert frame["size"].tolist() == [one["size"] for one in segments(at_rest)]
    assert frame["description"].str.len().min() > 10

    rules = pd.read_parquet(folder / "rules.parquet")
    assert len(rules) == len(at_rest.lookup.rules())
    assert {"antecedent", "consequent", "lift", "article_gain", "rank"} <= set(rules)
    assert [list(names) for names in rules["antecedent"]] == [
        rule["antecedent"] for rule in at_rest.lookup.rules(sort="lift")
    ]

    sets = pd.read_parquet(folder / "itemsets.parquet")
    assert list(sets) == ["items", "count", "error", "support"]
    assert sets["count"].is_monotonic_decreasing
    assert (sets["support"] >= 0.05 * (1 - 1e-9)).all()
    assert {len(items) for items in sets["items"]} == {1, 2, 3}
    assert ["bread", "butter"] in [sorted(items) for items in sets["items"]]


def test_features_are_read_at_the_time_asked_for(at_rest: Shop, folder: Path, tmp_path: Path) -> None:
    at_rest.lookup.export(tmp_path, at_rest.lookup.watermark + 30 * shop.DAY)
    now, then = (pd.read_parquet(path / "customers.parquet") for path in (folder, tmp_path))
    assert then["spending"].to_numpy() == pytest.approx(now["spending"].to_numpy() / 2, rel=1e-12)
    assert then["spend"].equals(now["spend"])


def test_a_folder_that_cannot_be_written_is_one_clear_error(at_rest: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        at_rest.lookup.export(tmp_path / "file")


def segments(run: Shop) -> list[dict[str, Any]]:
    found: Any = run.lookup.segments()["segments"]
    assert isinstance(found, list)
    return found
