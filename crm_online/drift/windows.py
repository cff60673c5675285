"""Whether the last blocks differ from those before by more than such blocks ever did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_online.drift.measures import Measure, Sums

WINDOWS = (1, 2, 4, 8, 16)
"""How many of the last blocks are compared with those before; one alone is odd, and no drift."""

BASE = 16
"""Blocks that must lie before a window."""

_FADING = 1 - 1 / 128
_MEMORY = 512
_PRIOR = 16.0
_FEWEST = 3.0
_LEAST_SCORE = 4.0
_AGREEMENT = 0.25


@dataclass(frozen=True, slots=True)
class WindowShift:
    """What the last blocks are, and the blocks before them were.

    Attributes
    ----------
    blocks
        How many of the last blocks are otherwise.
    score
        By how many standard deviations of its own past the statistic of such a window is off.
    before, after
        Sums of an observation, before and in these blocks, shape (d,).
    """

    blocks: int
    score: float
    before: Sums
    after: Sums


class Block(NamedTuple):
    """A block: how many observations, what they add up to, and whether it differs from those before."""

    n: float
    sums: Sums
    odd: bool = False


class WindowTest:
    """Compares the last 2, 4, 8 and 16 blocks with all before, which fade (mean age 128 blocks).

    What is usual is learned from the series itself: the mean and the variance of each window's statistic so far, those
    of the last 16 blocks aside, so that a drift does not hide itself. Blocks that hang together, trends and seasons
    make that variance large, and alarms rare. A variance is known from as many values as there were windows without a
    common block, so the limit is a quantile of Student's t; where these are few, the variance of the next smaller
    window counts for 16 (moderated t: Smyth, Linear models and empirical Bayes methods, 2004). An alarm needs both
    halves of the window to deviate alike: a single odd block is no drift, and is not counted among those before.

    Parameters
    ----------
    measure
        What is compared.

    Notes
    -----
    Comparing windows of several lengths with what was before goes back to Lai: Sequential changepoint detection in
    quality control and dynamical systems, JRSS B 57 (1995).
    """

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.last: list[Block] = []
        self.base_n = self.base_blocks = 0.0
        self.base = np.zeros(measure.parts)
        self.history = np.zeros((len(WINDOWS), 3))
        self.waiting: list[list[float]] = []

    def mean(self) -> tuple[float, Sums] | None:
        """Return the observations of all blocks and what they add up to; ``None`` while these are too few."""
        if len(self.last) + self.base_blocks < BASE:
            return None
        usual = [block for block in self.last if not block.odd]
        return self.base_n + sum(block.n for block in usual), self.base + sum(block.sums for block in usual)

    def add(self, n: float, sums: Sums) -> WindowShift | None:
        """Add a block of ``n`` observations, and return what has shifted, if anything has."""
        self.last.append(Block(n, sums))
        if len(self.last) > WINDOWS[-1]:
            gone = self.last.pop(0)
            if not gone.odd:
                self.base_n, self.base = self.base_n * _FADING + gone.n, self.base * _FADING + gone.sums
                self.base_blocks = self.base_blocks * _FADING + 1
        shift = self._compare()
        if shift is not None:
            self.restart(shift.blocks)
        return shift

    def restart(self, blocks: int = 0) -> None:
        """Compare what follows with the last blocks alone; how much is usual stays known."""
        self.last = self.last[len(self.last) - blocks :]
        self.base_n = self.base_blocks = 0.0
        self.base = np.zeros(self.measure.parts)
        self.waiting = []

    def _compare(self) -> WindowShift | None:
        numbers = np.cumsum([block.n for block in reversed(self.last)])
        totals = np.cumsum([block.sums for block in reversed(self.last)], axis=0)
        before = self._before()
        statistics, most = [math.nan] * len(WINDOWS), 0.0
        variance: float | None = None
        for row, size in enumerate(WINDOWS):
            if size > len(self.last) or len(self.last) + self.base_blocks - size < BASE:
                break
            n, sums = float(numbers[size - 1]), totals[size - 1]
            base_n, base = before[size]
            if base_n <= 0:
                break
            deviations = self.measure.deviations(sums, n, base, base_n)
            statistics[row] = self.measure.statistic(deviations)
            score, limit, variance = self._score(row, statistics[row], variance)
            if score < max(limit, _LEAST_SCORE) or abs(statistics[row]) < self.measure.least(base):
                continue
            if size == 1:
                self.last[-1] = self.last[-1]._replace(odd=True)
                continue
            later_n, later = float(numbers[size // 2 - 1]), totals[size // 2 - 1]
            halves = (
                self.measure.deviations(sums - later, n - later_n, base, base_n),
                self.measure.deviations(later, later_n, base, base_n),
            )
            if self.measure.agreement(deviations, *halves) >= _AGREEMENT:
                most = max(most, score)
        self._remember(statistics)
        return self._shift(most, numbers, totals, before) if most else None

    def _before(self) -> list[tuple[float, Sums]]:
        """Return the observations before the last 0, 1, 2 … blocks, and what they add up to, without odd blocks."""
        n, sums = self.base_n, self.base
        found = [(n, sums)]
        for block in self.last:
            if not block.odd:
                n, sums = n + block.n, sums + block.sums
            found.append((n, sums))
        return found[::-1]

    def _shift(self, score: float, numbers: Sums, totals: Sums, before: list[tuple[float, Sums]]) -> WindowShift:
        """Return what has shifted: since the block from which on the statistic is the largest."""
        shifts = [
            WindowShift(blocks, score, base / base_n, sums / n)
            for blocks, (n, sums, (base_n, base)) in enumerate(
                zip(numbers.tolist(), totals, before[1:], strict=True), 1
            )
            if base_n > 0
        ]
        return max(shifts, key=lambda shift: self._size(shift, numbers, before))

    def _size(self, shift: WindowShift, numbers: Sums, before: list[tuple[float, Sums]]) -> float:
        n, (base_n, base) = float(numbers[shift.blocks - 1]), before[shift.blocks]
        return abs(self.measure.statistic(self.measure.deviations(shift.after * n, n, base, base_n)))

    def _score(self, row: int, statistic: float, smaller: float | None) -> tuple[float, float, float | None]:
        """Return how unusual a statistic is, from where on that is a drift, and the variance that it was judged by."""
        weight, mean, squares = self.history[row].tolist()
        number, freedom = min(weight, _MEMORY) / WINDOWS[row], 0.0
        variance = squares / weight if weight > 1 else 0.0
        if smaller is not None:
            variance = (_PRIOR * smaller + number * variance) / (_PRIOR + number)
            freedom = _PRIOR
        if number < _FEWEST or number + freedom < BASE or variance <= 0:
            return 0.0, math.inf, variance if number else smaller
        score = (statistic - mean) / math.sqrt(variance)
        limit = _quantile(self.measure.chance, int(number + freedom) - 1) * math.sqrt(1 + 1 / number)
        return abs(score) if self.measure.two_sided else score, limit, variance

    def _remember(self, statistics: list[float]) -> None:
        self.waiting.append(statistics)
        if len(self.waiting) <= WINDOWS[-1]:
            return
        for row, value in enumerate(self.waiting.pop(0)):
            if not math.isnan(value):
                weight, mean, squares = self.history[row].tolist()
                weight = weight * (1 - 1 / _MEMORY) + 1
                moved = mean + (value - mean) / weight
                self.history[row] = weight, moved, squares * (1 - 1 / _MEMORY) + (value - mean) * (value - moved)


@lru_cache(maxsize=4096)
def _quantile(chance: float, freedom: int) -> float:
    from scipy.special import stdtrit  # look-ups import this module, and need no SciPy

    return -float(stdtrit(freedom, chance))


def arrays(test: WindowTest) -> list[NDArray[np.float64]]:
    """Return all that a test knows, as arrays."""
    parts = test.measure.parts
    return [
        np.array([(block.n, block.odd) for block in test.last], np.float64).reshape(-1, 2),
        np.array([block.sums for block in test.last]).reshape(-1, parts),
        np.array([test.base_n, test.base_blocks]),
        test.base,
        test.history,
        np.array(test.waiting).reshape(-1, len(WINDOWS)),
    ]


def restore(test: WindowTest, found: list[NDArray[np.float64]]) -> None:
    """Let a test know what :func:`arrays` returned of another."""
    numbers, sums, scalars, test.base, test.history, waiting = found
    test.last = [Block(n, row, bool(odd)) for (n, odd), row in zip(numbers.tolist(), sums, strict=True)]
    test.base_n, test.base_blocks = scalars.tolist()
    test.waiting = waiting.tolist()
