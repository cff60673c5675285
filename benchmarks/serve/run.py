"""The HTTP service: look-ups, open feeds, and what a reader sees of a step."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.report import Report
from benchmarks.serve import feeds, lookups, steps


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each is measured."""

    lookups: lookups.Sizes
    feeds: feeds.Sizes
    steps: steps.Sizes


FULL = Sizes(lookups.FULL, feeds.FULL, steps.FULL)
QUICK = Sizes(lookups.QUICK, feeds.QUICK, steps.QUICK)


def run(sizes: Sizes) -> Report:
    """Measure one service process on a Redis that it shares with a partition that takes events."""
    report = Report("One process of the HTTP service, and a Redis whose every write is on disk before it is answered")
    lookups.run(report, sizes.lookups)
    feeds.run(report, sizes.feeds)
    steps.run(report, sizes.steps)
    report.notes += [
        "readers, service, Redis and the partition share this machine's processors",
        "delays: of the plain feeds, from the commit's answer to the bytes in the reader's process; the service looks "
        "for changes every 50 ms",
        f"slow readers stop for 1 to 4 s again and again, or for a whole round of {sizes.feeds.seconds:.0f} s; the "
        f"service drops who has taken nothing for {feeds.PATIENCE}, and they come again",
        "half-seen steps: answers that are as of no commit; each answer's 500 customers are those with most events",
    ]
    return report
