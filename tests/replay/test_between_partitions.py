"""A replay that ends between the commits of two partitions goes on in the order of one that nothing disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from crm_online.events.batch import Batch
from crm_online.pipeline import PartitionGroup, PartitionPipeline
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.step import StepCounts, Write
from tests.replay import shop

SETTINGS = Settings.from_keys(
    {
        "replay.partitions": 2,
        "replay.step": 150,
        "segments.min_customers": 50,
        "rules.every": 50,
        "itemsets.min_support": 0.05,
        "predictions.horizon": "20d",
    }
)


class _Killed(Exception):  # noqa: N818
    pass


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.write(tmp_path_factory.mktemp("log") / "shop.jsonl", shop.events(120, 90, seed=5))


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir()) if path.suffix == ".jsonl"}


def test_killed_after_rows_of_partition_0_it_takes_the_same_steps(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(name: str) -> None:
        replay(log, settings=SETTINGS, state=str(tmp_path / name / "state"), out=tmp_path / name / "out")

    run("whole")
    rows = _every(4)
    commit = PartitionGroup.run

    def killed(
        self: PartitionGroup, pipeline: PartitionPipeline, batch: Batch, writes: Sequence[Write] = ()
    ) -> StepCounts:
        counts = commit(self, pipeline, batch, writes)
        if pipeline.partition == 0 and batch.end > batch.begin and next(rows):
            raise _Killed
        return counts

    monkeypatch.setattr(PartitionGroup, "run", killed)
    kills = 0
    while True:
        try:
            run("killed")
            break
        except _Killed:
            kills += 1
    assert kills > 10
    assert written(tmp_path / "killed") == written(tmp_path / "whole")


def _every(count: int) -> Iterator[bool]:
    while True:
        yield from [*[False] * (count - 1), True]
