"""What work costs: time on the wall, and processor time with that of the redis-servers it started."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and seconds of processors: this process and its children, ended ones too."""

    wall: float
    cpu: float

    @classmethod
    def so_far(cls) -> Self:
        """Return what was spent so far; only differences mean something."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = time.process_time() + ended.ru_utime + ended.ru_stime
        for child in psutil.Process().children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.Error:  # it ended just now: the next look finds it among the ended ones
                continue
            # A redis-server waits for the children that rewrite its AOF: their time is in its own account.
            cpu += times.user + times.system + times.children_user + times.children_system
        return cls(time.perf_counter(), cpu)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)

    def __truediv__(self, number: float) -> Cost:
        return Cost(self.wall / number, self.cpu / number)


def others_so_far() -> float:
    """Return the seconds of processors that all but this benchmark took; only differences mean something."""
    all_ = psutil.cpu_times()
    return float(all_.user + all_.nice + all_.system + all_.irq + all_.softirq + all_.steal) - Cost.so_far().cpu


def cost_of(work: Callable[[], object]) -> Cost:
    """Do some work and return what it cost."""
    before = Cost.so_far()
    work()
    return Cost.so_far() - before


def middle(costs: list[Cost]) -> Cost:
    """Return the median of wall times and that of processor times."""
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def side_by_side(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, Cost]:
    """Return the median cost of each way; rounds take the ways in turn, every other round from the last to the first.

    What slows the machine for a while then meets them all.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways)
        for name in names if number % 2 == 0 else reversed(names):
            costs[name].append(cost_of(ways[name]))
    return {name: middle(found) for name, found in costs.items()}
