"""A replay that is killed, and a Redis that is killed or goes back in time, end as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import time
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.command import environment, printed, printed_anew
from tests.replay import shop
from tests.servers.forked import Forked

SETTINGS = ["replay.step=150", "segments.min_customers=100", "rules.every=100", "itemsets.min_support=0.05"]
SETTINGS.append("predictions.horizon=60d")  # so that labels are learned from long before the log's end
FILES = ("segment-changes.jsonl", "rules.jsonl", "segments.jsonl", "rejects.jsonl", "predictions.jsonl", "drift.jsonl")
KILLS = {"1": 20, "3": 8}
"""How often a replay is killed, by its number of partitions."""

PACE = "700000"
"""Event time to real time, for a log that must not be over within a few seconds on any machine: 140 days are 17."""


class Replay:
    """A replay of one log in processes of its own."""

    def __init__(self, log: Path, folder: Path, *settings: str) -> None:
        self.folder, self.state, self.out = folder, folder / "state", folder / "out"
        chosen = [part for setting in [*SETTINGS, *settings] for part in ("--set", setting)]
        self._arguments = ["replay", str(log), "--out", str(self.out), "--json", "--state", str(self.state), *chosen]
        self._started = 0
        self.digest: object = None

    def start(self, *more: str) -> Forked:
        self._started += 1
        out, err = (self.folder / f"{name}-{self._started}" for name in ("stdout", "stderr"))
        return Forked([*self._arguments, *more], cwd=self.folder, env=environment(), out=out, err=err)

    def finish(self) -> None:
        with self.start() as process:
            _, err = process.communicate()
        assert process.returncode == 0, err

    def run(self) -> None:
        """Replay all in one go, by an interpreter of its own: its hashes have another seed than those of the others."""
        printed_anew(self.folder, *self._arguments)

    def verify(self) -> dict[str, object]:
        result: dict[str, object] = json.loads(printed(self.folder, "verify", "--json", "--state", str(self.state)))
        return result

    def files(self) -> dict[str, bytes]:
        return {name: (self.out / name).read_bytes() for name in FILES}

    def redis(self, process: Forked) -> psutil.Process | None:
        """Return the redis-server of a running replay, once it is there."""
        while process.poll() is None:
            for one in psutil.process_iter(["name", "cwd"]):
                if "redis-server" in (one.info["name"] or "") and str(self.state) in (one.info["cwd"] or ""):
                    return one
            time.sleep(0.01)
        return None

    def wait_for_output(self, process: Forked, more: int) -> None:
        """Wait until the replay has written so many more bytes of changes, or has ended."""
        goal = self._written() + more
        while process.poll() is None and self._written() < goal:
            time.sleep(0.002)

    def _written(self) -> int:
        return sum((self.out / name).stat().st_size for name in FILES if (self.out / name).exists())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.write(tmp_path_factory.mktemp("log") / "shop.jsonl", shop.events(160, 140, seed=5))


@pytest.fixture(scope="module", params=[1, 3], ids=["1 partition", "3 partitions"])
def partitions(request: pytest.FixtureRequest) -> str:
    return f"replay.partitions={request.param}"


@pytest.fixture(scope="module")
def uninterrupted(partitions: str, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    replay = Replay(log, tmp_path_factory.mktemp("whole"), partitions)
    replay.run()
    found = replay.verify()
    assert found["ok"], found["differences"]
    replay.digest = found["digest"]
    return replay


def ends_like(replay: Replay, uninterrupted: Replay) -> None:
    found = replay.verify()
    assert found["ok"], found["differences"]
    assert found["digest"] == uninterrupted.digest
    for name, content in replay.files().items():
        ids = [json.loads(line)["change_id"] for line in content.splitlines()]
        assert len(ids) == len(set(ids)), f"{name} holds a change twice"
        assert content == uninterrupted.files()[name], f"{name} differs from the uninterrupted run's"


def test_killed_at_random_moments_a_replay_ends_as_if_nothing_had_happened(
    partitions: str, log: Path, uninterrupted: Replay, tmp_path: Path
) -> None:
    random = Random(partitions)
    replay = Replay(log, tmp_path, partitions)
    whole = sum(len(content) for content in uninterrupted.files().values())
    killed, kills = 0, KILLS[partitions[-1]]
    while killed < kills:
        process = replay.start()
        redis = replay.redis(process)
        replay.wait_for_output(process, random.randrange(whole // kills))
        if process.poll() is not None:
            break
        assert redis is not None
        if killed % 2:
            redis.kill()
            _, err = process.communicate()
            assert process.returncode == 2, err
            assert len(err.strip().splitlines()) == 1, err
        else:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait_until_ended(redis)
        killed += 1
    assert killed == kills, f"the log was over after {killed} kills"
    replay.finish()
    ends_like(replay, uninterrupted)


def test_a_redis_put_back_by_a_second_catches_up_and_tells_nothing_twice(
    partitions: str, log: Path, uninterrupted: Replay, tmp_path: Path
) -> None:
    replay = Replay(log, tmp_path, partitions)
    whole = sum(len(content) for content in uninterrupted.files().values())
    for _ in range(3):
        process = replay.start("--speed", PACE)
        redis = replay.redis(process)
        replay.wait_for_output(process, whole // 20)
        kept = _copied(replay.state / "redis", tmp_path / "kept")
        copied_at = time.monotonic()
        replay.wait_for_output(process, whole // 20)
        while time.monotonic() < copied_at + 1 and process.poll() is None:
            replay.wait_for_output(process, 1)
        assert redis is not None
        assert process.poll() is None, "the log was over too soon"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        wait_until_ended(redis)
        shutil.rmtree(replay.state / "redis")
        kept.rename(replay.state / "redis")
    replay.finish()
    ends_like(replay, uninterrupted)


def wait_until_ended(process: psutil.Process) -> None:
    """Wait until a process does nothing any more; whoever inherits it may let it lie as a zombie for seconds."""
    deadline = time.monotonic() + 60
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "redis-server does not end"
            time.sleep(0.002)


def _copied(folder: Path, to: Path) -> Path:
    """Copy Redis's folder as it is while Redis writes; a file that is cut off at its end is as after a power cut."""
    shutil.copytree(folder, to, ignore=lambda _, names: [name for name in names if name.endswith((".sock", ".pid"))])
    return to
