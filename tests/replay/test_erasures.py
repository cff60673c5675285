"""An `erase` event in a log of its own, as running.md has it: whatever its date says, the person is gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import crm_online, printed
from tests.replay import shop

OPTIONS = ("--set", "segments.min_customers=20", "--set", "replay.partitions=2")
GONE = ("c3", "c8", "c12")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    shop.write(folder / "shop.jsonl", shop.events(40, 60, seed=1))
    printed(folder, "replay", "shop.jsonl", *OPTIONS)
    return folder


@pytest.fixture(scope="module")
def near(replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is told after erasures that are dated before the log's end."""
    folder = tmp_path_factory.mktemp("near") / "shop"
    return erased(shutil.copytree(replayed, folder), "2023-12-01T00:00:00Z")


def erased(folder: Path, time: str) -> dict[str, Any]:
    """Replay erasures of one date into a copy of the shop's state; return all that look-ups tell."""
    erasures: list[dict[str, object]] = [{"type": "erase", "customer_id": name, "time": time} for name in GONE]
    shop.write(folder / "erase.jsonl", erasures * 5)
    done = json.loads(printed(folder, "replay", "erase.jsonl", *OPTIONS, "--json"))
    assert (done["accepted"], done["rejected"], done["customers"]) == (15, 0, 34)
    for name in GONE:
        assert crm_online(folder, "customer", name).returncode == 2
    found = json.loads(printed(folder, "verify", "--json"))
    assert found.pop("ok")
    return {**found, "segments": json.loads(printed(folder, "segments", "--json"))}


@pytest.mark.parametrize("later", ["2024-06-01T00:00:00Z", "2099-12-31T00:00:00Z"])
def test_a_date_far_ahead_ends_in_the_same_state_as_one_in_the_log_to_the_last_bit(
    replayed: Path, near: dict[str, Any], tmp_path: Path, later: str
) -> None:
    assert erased(shutil.copytree(replayed, tmp_path / "shop"), later) == near


def test_erasures_before_anything_else_do_not_begin_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    shop.write(folder / "erase.jsonl", [{"type": "erase", "customer_id": "c3", "time": "2099-12-31T00:00:00Z"}])
    printed(folder, "replay", "erase.jsonl", *OPTIONS)
    shop.write(folder / "shop.jsonl", shop.events(40, 60, seed=1))
    done = json.loads(printed(folder, "replay", "shop.jsonl", *OPTIONS, "--json"))
    assert done["customers"] == 37
    found = json.loads(printed(folder, "segments", "--json"))
    assert found["as_of"] < "2024-02"
    assert len(found["segments"]) == 6
