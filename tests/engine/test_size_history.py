"""The segments' sizes over time: of whole models only, and kept in the state."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest

from crm_online.live.snapshots.making import SnapshotMaker
from crm_online.store import Store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings


@pytest.mark.parametrize("partitions", [1, 2])
def test_no_total_of_sizes_over_time_falls_at_refits(partitions: int, redis: Store) -> None:
    run = Shop(redis, settings(partitions=partitions, visits=50))
    maker, totals, whole = SnapshotMaker(redis), list[int](), list[bool]()

    def look() -> None:
        value = orjson.loads(maker.make().segments_document.body)
        totals.append(sum(one["size"] for one in value["segments"]))
        whole.append(run.lookup.segments()["complete"] is True)

    log = shop.made(120, 45, seed=6)
    for number, begin in enumerate(range(0, len(log), 60)):
        run.step(log[begin : begin + 60], look=look if totals else None)
        if not totals and whole_model(run):
            look()
        if number % 8 == 7:
            run.pipelines[0].engine.request_refit()
    assert not all(whole), "the log was to bring refits that take several steps"
    assert [after for before, after in pairwise(totals) if after < before] == []
    points = run.lookup.size_history()
    sums = [sum(sizes_of(point).values()) for point in points]
    assert len(points) > 5
    assert sums == sorted(sums)
    run.claim()  # a restart has it
    assert run.lookup.size_history() == points
    assert orjson.loads(SnapshotMaker(redis).make().sizes.body) == {"points": points}


def whole_model(run: Shop) -> bool:
    return run.lookup.segments()["complete"] is True


def sizes_of(point: dict[str, Any]) -> dict[str, int]:
    sizes: dict[str, int] = point["sizes"]
    return sizes
