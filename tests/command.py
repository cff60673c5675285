"""The command line, run as a person runs it: in a folder, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.forked import Forked

ROOT = Path(__file__).resolve().parent.parent


def crm_online(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run ``crm-online`` in a folder, without settings of the environment; it is forked, see `tests.servers.forked`."""
    with tempfile.TemporaryDirectory() as streams:
        out, err = Path(streams, "out"), Path(streams, "err")
        with Forked(args, cwd=folder, env=environment(), out=out, err=err) as process:
            told = process.communicate()
        return subprocess.CompletedProcess(["crm-online", *args], process.wait(), *told)


def printed(folder: Path, *args: str) -> str:
    """Run ``crm-online``, which must succeed, and return what it prints."""
    done = crm_online(folder, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def crm_online_anew(folder: Path, *args: str, source: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ``crm-online`` by an interpreter of its own; from another checkout if given."""
    return subprocess.run(
        [sys.executable, "-m", "crm_online", *args],
        cwd=folder,
        env=environment(source),
        capture_output=True,
        text=True,
        check=False,
    )


def printed_anew(folder: Path, *args: str, source: Path = ROOT) -> str:
    """Run ``crm-online`` by an interpreter of its own; it must succeed, and what it prints is returned."""
    done = crm_online_anew(folder, *args, source=source)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environment(source: Path = ROOT) -> dict[str, str]:
    """Return the environment of a process that runs a checkout, without settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
    return {**env, "PYTHONPATH": str(source)}
