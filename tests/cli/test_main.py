"""However a command ends: its exit code, and one line on stderr."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crm_online.errors import CrmOnlineError, InputError, SettingsError, StoreError, StoreRefused, StoreUnavailable
from tests.cli.conftest import Asked, Crm


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["segment"], "No such command 'segment'"),
        (["replay"], "PATH"),
        (["customer"], "ID"),
        (["rules", "--topp", "3"], "No such option"),
        (["rules", "--top", "0"], "--top"),
        (["rules", "--top", "x"], "--top"),
        (["rules", "--sort", "size"], "--sort"),
        (["segments", "--as-of", "yesterday"], "'yesterday' is not a time such as"),
        (["replay", "x", "--map", "item"], "'item' is not FIELD=COLUMN"),
        (["replay", "x", "--map", "item=a", "--map", "item=b"], "item is mapped twice"),
        (["replay", "x", "--speed", "0"], "--speed"),
        (["replay", "x", "--set", "segments.kk=3"], "did you mean segments.k?"),
        (["replay", "x", "--set", "segments.k=x"], "a whole number from 2 to 64, or auto"),
        (["replay", "x", "--config", "none.toml"], "cannot read the settings file none.toml"),
        (["config", "--set", "segments.k"], "section.key=value"),
        (["customer", "1"], "no customer '1' in the state"),
        (["customer", "\udcff"], "'\\udcff' is not UTF-8"),
        (["erase", "a\udcff", "--yes"], "'a\\udcff' is not UTF-8"),
        (["recommend", "--customer", "\udcff"], "'\\udcff' is not UTF-8"),
        (["recommend", "--item", "bread", "--item", "\udcff"], "'\\udcff' is not UTF-8"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(asked: Asked, crm: Crm, arguments: list[str], part: str) -> None:
    ended = crm(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert part in ended.err


@pytest.mark.parametrize("kind", [InputError, SettingsError, StoreError, StoreRefused, CrmOnlineError])
def test_an_error_raised_on_purpose_is_one_line_and_exit_code_2(
    asked: Asked, crm: Crm, kind: type[CrmOnlineError]
) -> None:
    asked.fails_with = kind("the log\nis not \x1b[31mthere")
    ended = crm("replay", "x", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "crm-online: the log\\nis not \\x1b[31mthere\n"


def test_a_password_in_a_store_url_is_never_printed(asked: Asked, crm: Crm) -> None:
    asked.fails_with = StoreUnavailable("no answer from rediss://shop:secret@store:6379/0")
    ended = crm("verify", "--state", "rediss://shop:secret@store:6379/0")
    assert ended.err == "crm-online: no answer from rediss://…@store:6379/0\n"


def test_a_file_that_cannot_be_written_is_one_line(asked: Asked, crm: Crm) -> None:
    asked.fails_with = OSError(errno.EACCES, "Permission denied", "/root/out")
    ended = crm("export", "out")
    assert ended.code == 2
    assert ended.err == "crm-online: /root/out: Permission denied\n"


def test_an_interrupted_replay_exits_with_130_and_says_what_stays(asked: Asked, crm: Crm) -> None:
    asked.fails_with = KeyboardInterrupt()
    ended = crm("replay", "x")
    assert ended.code == 130
    assert ended.err == "interrupted; what was committed stays, and the same command goes on from there\n"


def test_an_error_that_nobody_foresaw_is_not_hidden(asked: Asked, crm: Crm) -> None:
    asked.fails_with = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        crm("verify")


def process(root: Path, folder: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "100"}
    return subprocess.Popen(
        [sys.executable, "-m", "crm_online", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_process_ends_with_the_code_and_without_a_traceback(root: Path, tmp_path: Path) -> None:
    out, err = process(root, tmp_path, "config", "--json").communicate()
    assert json.loads(out)["segments.k"]["value"] == 6
    assert err == ""
    failed = process(root, tmp_path, "config", "--set", "segments.k=x")
    out, err = failed.communicate()
    assert (failed.returncode, out) == (2, "")
    assert err.startswith("crm-online: segments.k = x from --set")


def test_a_reader_that_hangs_up_ends_the_command_quietly(root: Path, tmp_path: Path) -> None:
    command = process(root, tmp_path, "config", "--schema")
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    assert command.stderr.read() == ""
    assert command.wait() == 141
    command.stderr.close()


def test_help_lists_every_command(crm: Crm) -> None:
    ended = crm("--help")
    assert ended.code == 0
    for command in ("demo", "replay", "segments", "rules", "customer", "verify", "export", "config"):
        assert f" {command} " in ended.out
