"""A worker that catches up with an old, sparse log lives through its time: what is due by a time is done by then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.settings import Settings, load_settings
from crm_online.store import open_store
from streams.partition import PartitionProcessor
from tests.kafka.small_log import iso
from tests.streams.driver import TopologyDriver

DAY = 86_400_000
START = 1_600_000_000_000
SETTINGS: Settings = load_settings(
    None, ["segments.k=3", "segments.min_customers=20", "segments.starts=2", "segments.visits=40"], {}
).settings


def sparse(seed: int) -> list[dict[str, object]]:
    """Return two years of 120 customers who come now and then, and less and less: an order or two a day."""
    generator = np.random.default_rng(seed)
    times = np.sort(730 * generator.random(900) ** 1.5)
    return [
        {
            "type": "purchase",
            "customer_id": f"c{generator.integers(120)}",
            "time": iso((START + int(day * DAY)) // 1000),
            "items": [{"item": "tea", "quantity": 1, "price": float(generator.integers(1, 90))}],
        }
        for day in times.tolist()
    ]


@pytest.mark.parametrize("step", [50, 900])
def test_nobody_is_overdue_in_the_middle_of_a_sparse_log_that_is_caught_up_with(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, _ = layout(SETTINGS)
    half_life = SETTINGS.features.half_life
    assert half_life is not None
    late: list[float] = []
    with open_store(tmp_path / "state") as store:
        store.initialise(1, json.dumps(SETTINGS.shaping(), sort_keys=True), "kafka:driver", repeatable=True)
        driver = TopologyDriver(store, SETTINGS)
        for event in sparse(3):
            driver.send(event, str(event["customer_id"]))
        step_through = PartitionProcessor.step

        def look(partition: PartitionProcessor, *batch: object) -> object:
            # What was due by the day before is done before time goes on.
            state = partition.pipeline.engine.state
            if partition.pipeline.engine.segmenting.model is not None and state.watermark is not None:
                records = codec.decode([raw for _, raw in store.partition(0).hash_all(CUSTOMERS)])
                scored = records.scored_at * 1000
                rule = np.minimum((scored - records.last_event) // 2, half_life // 4)
                late.append(float((state.watermark - scored > 1.1 * rule + DAY).mean()))
            return step_through(partition, *batch)  # type: ignore[arg-type]

        monkeypatch.setattr(PartitionProcessor, "step", look)
        driver.run(step)
    assert len(late) > 300
    assert max(late) <= 0.01
