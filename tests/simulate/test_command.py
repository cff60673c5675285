"""`crm-online simulate`: where log and truth go, and what is refused."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import crm_online

COMMAND = (sys.executable, "-m", "crm_online", "simulate")
SMALL = ("--customers", "300", "--events", "3000", "--seed", "1")


@pytest.fixture(autouse=True)
def _importable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root))


def crm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return crm_online(folder, "simulate", *arguments)


def test_the_log_goes_to_stdout_and_the_truth_to_a_file(tmp_path: Path) -> None:
    done = crm(tmp_path, *SMALL)
    assert (done.returncode, done.stdout.count("\n")) == (0, 3000)
    assert done.stderr == "what is planted in these 3,000 events is in truth.json\n"
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert (truth["customers"], truth["events"], truth["seed"]) == (300, 3000, 1)
    filed = crm(tmp_path, *SMALL, "--out", "shop.jsonl")
    assert (filed.returncode, filed.stdout, filed.stderr.count("\n")) == (0, "", 1)
    assert (tmp_path / "shop.jsonl").read_text() == done.stdout
    assert json.loads((tmp_path / "shop.truth.json").read_text()) == truth


def test_each_customer_has_25_events_unless_told_otherwise(tmp_path: Path) -> None:
    assert crm(tmp_path, "--customers", "300").stdout.count("\n") == 25 * 300


def test_a_reader_who_has_enough_ends_it_quietly(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read().count(b"\n") == 1
    assert process.returncode == 141


def test_a_terminal_is_not_flooded(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([*COMMAND], cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "> log.jsonl" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--customers", "299"), "at least 300 customers"),
        (("--customers", "500", "--events", "999"), "at least 1000 events"),
        (("--seed", "-1"), "from 0"),
        (("--seed", "1" + "0" * 30), "from 0"),
        (("--customers", "1" + "0" * 18), "at most 10,000,000 customers"),
        (("--events", "1" + "0" * 18), "at most 1,000,000,000 events"),
        (("--out", "."), "is a folder: name a file"),
        (("--out", ".."), "is a folder: name a file"),
        (("--out", ""), "is a folder: name a file"),
        (("--out", "/"), "is a folder: name a file"),
        (("--truth", "."), "is a folder: name a file"),
        (("--out", "log.jsonl", "--truth", ""), "is a folder: name a file"),
        (("--out", "log.jsonl", "--customers", "3"), "at least 300 customers"),
        (("--events", "many"), "--events"),
        (("--out", "log.jsonl.gz"), "not as .gz"),
        (("--out", "log.jsonl", "--truth", "log.jsonl"), "two files"),
        (("--out", "none/log.jsonl"), "none"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = crm(tmp_path, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert why in done.stderr
    assert not list(tmp_path.iterdir())
