"""``make chaos``: chaos runs over some seeds, and runs with one fence off, which must go wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kafka.chaos.run import Conditions, in_turn, run, simulated

HERE = Path(__file__).parent
EVENTS = 60_000
UNFENCED = {"position": 20, "holes": 0}
"""Faults of the runs without a fence that random faults need. The others need a moment that random faults seldom find:
tests/kafka/test_fences.py makes it, for all five.
"""


def chaos(seeds: list[int], faults: int, fences: bool) -> int:
    """Run, tell, and return how many runs did not end as they should."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="crm-chaos-") as name:
        folder = Path(name)
        log = simulated(folder, EVENTS)
        for seed in seeds:
            report = run(seed, log, folder / f"seed-{seed}", in_turn(faults))
            failed += bool(report.wrong)
            print(report.summary, flush=True)
        for fence, count in UNFENCED.items() if fences else ():
            entry = (str(HERE / "without.py"), fence)
            report = run(seeds[0], log, folder / f"without-{fence}", in_turn(count), Conditions(entry=entry))
            failed += not report.wrong
            print(f"without the fence {fence!r}, {report.summary}", flush=True)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--no-fences", action="store_true", help="leave the runs without a fence out")
    chosen = parser.parse_args()
    sys.exit(min(chaos(chosen.seeds, chosen.faults, not chosen.no_fences), 1))
