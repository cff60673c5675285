"""The command line, run as a person runs it: in a folder, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def crm_online(folder: Path, *args: str, source: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run ``crm-online`` in a folder, whatever the environment says of settings; from another checkout if given."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "crm_online", *args],
        cwd=folder,
        env={**env, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(folder: Path, *args: str, source: Path = ROOT) -> str:
    """Run ``crm-online``, which must succeed, and return what it prints."""
    done = crm_online(folder, *args, source=source)
    assert done.returncode == 0, done.stderr
    return done.stdout
