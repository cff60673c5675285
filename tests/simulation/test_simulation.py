"""Faults at any await and between any two commands lose nothing, and the simulation sees what each fence is for.

``make simulation`` runs new seeds for as long as one likes.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SEEDS = [str(seed) for seed in range(6)]
MANY = 20
"""Runs by which any fence should have been missed; as a rule it is after one or two."""


def simulation(*options: str) -> str:
    """Run it in a process whose hashes are the same each time, and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_whatever_goes_wrong_between_two_commands_nothing_is_lost_or_counted_or_published_twice() -> None:
    assert "nothing wrong" in simulation("--seeds", *SEEDS)


@pytest.mark.parametrize("fence", ["position", "holes", "producer"])
def test_a_fence_that_is_switched_off_is_missed(fence: str) -> None:
    assert "WRONG" in simulation("--without", fence, "--seeds", *map(str, range(MANY)))
