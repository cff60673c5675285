"""``make soak``: a steady load for as long as you like, now and then a fault, and what memory that takes."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.kafka.chaos.faults import System, drawn
from tests.kafka.chaos.memory import MemoryWatch, growth, table
from tests.kafka.chaos.run import Conditions, run, simulated

MOST_GROWTH = 1.1
"""What counts as flat: the memory over the last quarter, as a multiple of that over the second."""
FLAT = ("worker", "used")
"""What must be flat: the worker that is never killed, and the data in Redis."""
_PROGRESS_SECONDS = 60.0
"""How long nothing may move on after a fault."""


SESSION = 6
"""As the setting is by default."""
SETTLE = 300.0


def soak(seconds: float, seed: int, pause: float, rate: float, folder: Path) -> list[str]:
    """Run workers for so long, print what was found, and return what is wrong.

    Parameters
    ----------
    seconds
        How long; the last fault may go beyond it.
    seed
        What the faults and the pauses between them are drawn from.
    pause
        Seconds between two faults, on the mean.
    rate
        Events a second.
    folder
        For what the processes write.
    """
    watches: list[MemoryWatch] = []

    def course(system: System, random: Random) -> None:
        system.spared = 1
        ends = time.monotonic() + seconds
        with MemoryWatch(system) as watch:
            watches.append(watch)
            for kind in drawn(random):
                rest = random.uniform(0.0, 2 * pause)
                system.wait_for_progress(rest, most=rest + _PROGRESS_SECONDS)
                if time.monotonic() > ends:
                    return
                system.befall(kind, random)

    # Load until the end, however long the last wait is; what is left then comes at once.
    log = simulated(folder, int((seconds + 2 * pause + _PROGRESS_SECONDS) * rate))
    report = run(seed, log, folder, course, Conditions(rate, SESSION, SETTLE))
    samples = watches[0].samples
    print(report.summary, table(samples), sep="\n\n", flush=True)
    grown = {name: growth(samples, name) for name in FLAT}
    return [*report.wrong, *(f"{name} grew {times:.2f} ×" for name, times in grown.items() if times > MOST_GROWTH)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=20.0, help="seconds between two faults, on the mean")
    parser.add_argument("--rate", type=float, default=250.0, help="events a second")
    chosen = parser.parse_args()
    logging.getLogger("tests.servers.client").setLevel(logging.CRITICAL)  # a broker that was killed does not answer
    with tempfile.TemporaryDirectory(prefix="crm-soak-") as name:
        wrong = soak(chosen.minutes * 60, chosen.seed, chosen.pause, chosen.rate, Path(name))
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    sys.exit(bool(wrong))
