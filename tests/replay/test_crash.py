"""A replay that is killed, and a Redis that is killed or goes back in time, end as if nothing had happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import psutil
import pytest

from tests.replay import shop

SETTINGS = ["replay.step=150", "segments.min_customers=100", "rules.every=100", "itemsets.min_support=0.05"]
FILES = ("segment-changes.jsonl", "rules.jsonl", "segments.jsonl", "rejects.jsonl")
KILLS = 40


class Replay:
    """A replay of one log in processes of its own."""

    def __init__(self, log: Path, folder: Path, *settings: str) -> None:
        self.state, self.out = folder / "state", folder / "out"
        chosen = [part for setting in [*SETTINGS, *settings] for part in ("--set", setting)]
        self._command = [sys.executable, "-m", "crm_online"]
        self._tail = ["--state", str(self.state), *chosen]
        self._replay = ["replay", str(log), "--out", str(self.out), "--json"]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, *self._replay, *self._tail], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self) -> dict[str, object]:
        with self.start() as process:
            out, err = process.communicate()
        assert process.returncode == 0, err
        result: dict[str, object] = json.loads(out)
        return result

    def verify(self) -> dict[str, object]:
        command = [*self._command, "verify", "--json", *self._tail[:2]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, object] = json.loads(done.stdout)
        return result

    def files(self) -> dict[str, bytes]:
        return {name: (self.out / name).read_bytes() for name in FILES}

    def redis(self, process: subprocess.Popen[str]) -> psutil.Process | None:
        """Return the redis-server of a running replay, once it is there."""
        while process.poll() is None:
            for one in psutil.process_iter(["name", "cwd"]):
                if "redis-server" in (one.info["name"] or "") and str(self.state) in (one.info["cwd"] or ""):
                    return one
            time.sleep(0.01)
        return None

    def wait_for_output(self, process: subprocess.Popen[str], more: int) -> None:
        """Wait until the replay has written so many more bytes of changes, or has ended."""
        goal = self._written() + more
        while process.poll() is None and self._written() < goal:
            time.sleep(0.002)

    def _written(self) -> int:
        return sum((self.out / name).stat().st_size for name in FILES if (self.out / name).exists())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.write(tmp_path_factory.mktemp("log") / "shop.jsonl", shop.events(400, 150, seed=5))


@pytest.fixture(scope="module", params=[1, 3])
def uninterrupted(request: pytest.FixtureRequest, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    replay = Replay(log, tmp_path_factory.mktemp("whole"), f"replay.partitions={request.param}")
    replay.finish()
    replay.partitions = request.param  # type: ignore[attr-defined]
    return replay
