"""However a process ends: the code that the table in running.md gives it, and one line that says so."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crm_online.store import open_store
from crm_online.store.keys import key as key_of
from tests.command import crm_online, environment
from tests.kafka.waiting import until
from tests.replay import shop
from tests.servers.embedded import admin, command

CRM = [sys.executable, "-m", "crm_online"]
QUICK = ("--set", "segments.min_customers=20")
STAYS = "what was committed stays, and the same command goes on from there"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ends")
    shop.write(folder / "shop.jsonl", shop.events(40, 60, seed=1))
    assert crm_online(folder, "replay", "shop.jsonl", "--set", "segments.min_customers=20").returncode == 0
    return folder


def shell(folder: Path, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    line = line.replace("crm-online", f"{sys.executable} -m crm_online")
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment() | more, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["segments", "--help"])
def test_a_reader_that_reads_one_line_is_no_difference_found(replayed: Path, command: str) -> None:
    done = shell(replayed, f"crm-online {command} | (exec 0<&-); echo ${{PIPESTATUS[0]}}")
    assert (done.stdout, done.stderr) == ("141\n", "")


def test_where_stdout_is_closed_nothing_is_begun_and_a_line_says_so(replayed: Path) -> None:
    done = shell(replayed, "crm-online replay shop.jsonl --state new >&-")
    assert (done.returncode, done.stderr) == (2, "crm-online: stdout is closed: there is nowhere to print to\n")
    assert not (replayed / "new").exists()
    assert shell(replayed, "crm-online segments >&- 2>&-").returncode == 2


@pytest.mark.parametrize(("closed", "code"), [("2>&-", 0), ("<&-", 0)])
def test_other_streams_may_be_closed(replayed: Path, closed: str, code: int) -> None:
    done = shell(replayed, f"crm-online segments --json {closed}")
    assert (done.returncode, done.stderr) == (code, "")
    assert json.loads(done.stdout)["k"] > 1


def test_a_terminal_of_another_alphabet_shows_what_it_can_and_json_is_whole(replayed: Path) -> None:
    done = shell(replayed, "crm-online segments", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    narrow = shell(replayed, "crm-online segments --json", PYTHONIOENCODING="ascii")
    wide = shell(replayed, "crm-online segments --json", PYTHONIOENCODING="utf-8")
    assert json.loads(narrow.stdout) == json.loads(wide.stdout)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_log_is_replayed_is_reported_with_how_far_it_is(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    shop.write(tmp_path / "shop.jsonl", shop.events(40, 60, seed=1))
    slow = ["replay", "shop.jsonl", "--state", "s", "--out", "out", "--speed", "1000", "--set", "replay.step=20"]
    process = subprocess.Popen([*CRM, *slow], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    until(lambda: (tmp_path / "out" / "rules.jsonl").exists(), "the replay has begun")
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == code
    *read, last = err.splitlines()
    assert all(line.endswith("of this run had been read and committed") for line in read)
    assert last == f"{'interrupted' if code == 130 else 'stopped by SIGTERM'}; {STAYS}"
    assert crm_online(tmp_path, "replay", "shop.jsonl", "--state", "s", "--set", "replay.step=20").returncode == 0


@pytest.mark.parametrize("module", ["typer", "numpy"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_interrupt_while_something_is_imported_is_reported_too(replayed: Path, module: str, wrapped: bool) -> None:
    """An import that is broken off may say that something is missing: numpy does."""
    raised = f"raise ImportError('{module} failed to import')" if wrapped else "raise"
    code = f"""
import os, signal, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                {raised}
sys.meta_path.insert(0, Interrupted())
sys.argv = ["crm-online", "segments"]
from crm_online.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=replayed, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, f"interrupted; {STAYS}\n")


def test_what_is_ignored_stays_ignored_as_under_nohup(replayed: Path) -> None:
    done = shell(replayed, "trap '' INT; crm-online segments --json & sleep 0; kill -INT $!; wait $!; echo $?")
    assert done.stdout.endswith("\n0\n")


@pytest.mark.parametrize("key", ["roster", "segments"])
def test_bytes_that_nobody_wrote_are_one_line(replayed: Path, tmp_path: Path, key: str) -> None:
    state = shutil.copytree(replayed / ".crm-online", tmp_path / "state")
    with open_store(str(state)) as store, admin(store) as client:
        if key in ("roster", "items"):
            command(client, "LSET", key_of(0, key), 0, b"\xff\xfe")
        else:
            (field, *_) = [name for name, _ in store.partition(0).hash_all(key)]
            client.hset(key_of(0, key).decode(), field, b'{"\xff": 1}')
    ended = [
        crm_online(replayed, *command, "--state", str(state))
        for command in (["segments"], ["verify"], ["replay", "shop.jsonl", *QUICK])
    ]
    assert {done.returncode for done in ended} <= {0, 1, 2}
    assert not any("Traceback" in done.stderr or done.stderr.count("\n") > 1 for done in ended)
    assert any(done.returncode == 2 for done in ended)
