"""What is imported when: help and look-ups need little, and no step of a worker waits for an import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"pandas", "pyarrow", "scipy", "sklearn", "river", "matplotlib", "faust", "fastapi"}
STEPS = """
import sys, numpy as np
from crm_online.engine.preload import preload
preload()
import crm_online.replay
before = set(sys.modules)
from crm_online.segments import kmeans, model
centres = kmeans.fit(np.arange(60, dtype=np.int16).reshape(20, 3), 3, starts=1)
model.match(centres, centres, same_within=1.0)
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before} & {"sklearn", "scipy", "pandas", "joblib"}))
"""


def run(root: Path, code: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [("crm_online.cli.main", HEAVY | {"numpy", "pydantic", "redis"}), ("crm_online.lookup", HEAVY)],
)
def test_help_and_look_ups_import_only_what_they_need(root: Path, module: str, unneeded: set[str]) -> None:
    assert run(root, f"import sys, {module}; print(sorted({unneeded} & set(sys.modules)))") == "[]"


def test_after_the_start_of_a_worker_no_fit_imports_anything(root: Path) -> None:
    assert run(root, STEPS) == "[]"
