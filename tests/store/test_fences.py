"""Each fence refuses what it is for; with it off, the same goes through and the state is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_online.errors import FenceError, HoleInLog, OwnerLost, PositionMoved
from crm_online.step import Append, Put, Step, Write
from crm_online.store import Fences, PartitionStore, open_store

pytestmark = pytest.mark.usefixtures("only_binary")
ON = Fences()


def count_up(partition: PartitionStore, source: str, begin: int, total: int, first: int | None = None) -> None:
    """Commit a step of 10 records by an owner who has ``total`` in memory."""
    writes: list[Write] = [
        Put("counts", {b"records": b"%d" % (total + 10)}),
        Append("seen", [b"%s:%d" % (source.encode(), begin)]),
    ]
    partition.commit(Step(0, source, begin, begin + 10, begin if first is None else first, writes))


def records(partition: PartitionStore) -> int:
    (value,) = partition.hash_get("counts", [b"records"])
    return int(value or b"0")


def zombie(folder: Path, fences: Fences) -> tuple[int, int]:
    """Let a stalled owner wake after another took the partition; both have a log of their own."""
    with open_store(folder) as store:
        old, new = store.partition(0, fences), store.partition(0, fences)
        old.claim("old")
        new.claim("new")
        for begin in range(0, 50, 10):
            count_up(new, "log-b", begin, begin)
        old._commits = 5  # what it holds in memory may be anything
        count_up(old, "log-a", 0, 0)
        return records(new), 60


def rewound(folder: Path, fences: Fences) -> tuple[int, int]:
    """Put Redis back to a copy of its files under a live worker, which goes on."""
    copy = folder.with_name(f"{folder.name}-copy")
    with open_store(folder) as store:
        partition = store.partition(0, fences)
        partition.claim("w")
        count_up(partition, "log", 0, 0)
    shutil.copytree(folder / "redis", copy)
    with open_store(folder) as store:
        again = store.partition(0, fences)
        again._token, again._commits = partition._token, 1
        count_up(again, "log", 10, 10)
    shutil.rmtree(folder / "redis")
    shutil.copytree(copy, folder / "redis")
    with open_store(folder) as store:
        after = store.partition(0, fences)
        assert (after.positions(), after.list_range("seen", 0, -1)) == ({"log": 10}, [b"log:0"])
        after._token, after._commits = partition._token, 2
        count_up(after, "log", 20, 20)
        return after.list_length("seen") * 10, after.positions()["log"]


def skipped(folder: Path, fences: Fences) -> tuple[int, int]:
    """Skip ten records in the fetch."""
    with open_store(folder) as store:
        partition = store.partition(0, fences)
        partition.claim("w")
        count_up(partition, "log", 0, 0)
        partition.commit(Step(0, "log", 10, 30, 20, [Put("counts", {b"records": b"20"}), Append("seen", [b"log:20"])]))
        return records(partition), partition.positions()["log"]


@pytest.mark.parametrize(
    ("scenario", "off", "refusal"),
    [
        (zombie, Fences(owner=False), OwnerLost),
        (rewound, Fences(position=False), PositionMoved),
        (skipped, Fences(holes=False), HoleInLog),
    ],
)
def test_a_fence_refuses_what_would_spoil_the_state(
    tmp_path: Path, scenario: Callable[[Path, Fences], tuple[int, int]], off: Fences, refusal: type[FenceError]
) -> None:
    with pytest.raises(refusal):
        scenario(tmp_path / "on", ON)
    got, expected = scenario(tmp_path / "off", off)
    assert got != expected, "without this fence the state should have gone wrong: the scenario shows nothing"


def test_a_worker_refused_after_a_rewind_claims_again_and_catches_up(tmp_path: Path) -> None:
    with pytest.raises(PositionMoved):
        rewound(tmp_path / "state", ON)
    with open_store(tmp_path / "state") as store:
        partition = store.partition(0)
        for begin in range(partition.claim("w")["log"], 40, 10):
            count_up(partition, "log", begin, begin)
        assert partition.list_range("seen", 0, -1) == [b"log:%d" % at for at in range(0, 40, 10)]


def test_of_two_twins_one_commit_a_position_wins(tmp_path: Path) -> None:
    with open_store(tmp_path / "state") as store:
        one, two = store.partition(0), store.partition(0)
        one.claim("a")
        two._token = one._token
        count_up(one, "log", 0, 0)
        with pytest.raises(PositionMoved, match="is at 10 of log, but the step begins at 0"):
            count_up(two, "log", 0, 0)


def test_a_tick_sent_twice_is_committed_once(tmp_path: Path) -> None:
    with open_store(tmp_path / "state") as store:
        partition = store.partition(0)
        partition.claim("a")
        tick = Step(0, "log", 0, 0, 0, [Append("ticks", [b"1"])])
        partition.commit(tick)
        partition._commits = 0  # as if the answer had been lost
        with pytest.raises(PositionMoved):
            partition.commit(tick)
        assert partition.list_length("ticks") == 1


def test_the_refusal_names_who_took_the_partition(tmp_path: Path) -> None:
    with open_store(tmp_path / "state") as store:
        old, new = store.partition(0), store.partition(0)
        old.claim("worker-a")
        with pytest.raises(OwnerLost, match="claimed by nobody"):
            store.partition(1).commit(Step(1, "log", 0, 1, 0, []))
        new.claim("worker-b")
        with pytest.raises(OwnerLost, match="owner worker-b"):
            count_up(old, "log", 0, 0)
