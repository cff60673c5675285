"""What is in the baskets: planted rules first, then the staple, then what the segment likes of the common stock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.simulate.shop import SEGMENTS
from crm_online.simulate.stock import COMMON, RULES, STAPLE, STAPLE_CHANCE

ITEMS: tuple[str, ...] = (*(item for rule in RULES for item in rule.items), STAPLE, *COMMON)
"""All that the shop sells; an item's number is its place here."""

_FIRST_COMMON = len(ITEMS) - len(COMMON)

PRICES = 1.5 + 0.5 * (7 * np.arange(len(ITEMS)) % 8)
"""Price of one piece of each item: from 1.50 to 5.00."""

MORE_PIECES = 0.15
"""Chance of two pieces instead of one."""

_POPULARITY = np.linspace(1.4, 0.6, len(COMMON))


@dataclass(frozen=True, slots=True, eq=False)
class DrawnBaskets:
    """``n`` baskets with ``m`` lines.

    Attributes
    ----------
    start
        Lines of basket ``i`` are ``start[i]:start[i + 1]``, int64 ``[n + 1]``.
    item, quantity
        Of each line, int64 ``[m]``; no item is twice in a basket.
    """

    start: NDArray[np.int64]
    item: NDArray[np.int64]
    quantity: NDArray[np.int64]

    def dearest(self) -> NDArray[np.int64]:
        """Return the line of each basket that costs most (the last of equals), int64 ``[n]``."""
        owner = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        order = np.lexsort((PRICES[self.item] * self.quantity, owner))
        return order[self.start[1:] - 1]


def fill(segments: NDArray[np.int8], shifted: bool, rng: np.random.Generator) -> DrawnBaskets:
    """Draw one basket for each buyer.

    Parameters
    ----------
    segments
        The buyers' segments, int8 ``[n]``.
    shifted
        Whether the shift has been: some rules hold before it only, some after it.
    rng
        What is drawn with.
    """
    n = len(segments)
    held = _planted(n, shifted, rng)
    low, high = np.array([segment.lines for segment in SEGMENTS])[segments].T
    meant = low + (rng.random(n) * (high - low + 1)).astype(np.int64)
    inside = held.sum(axis=1)
    missing = np.maximum(meant - inside, inside == 0)
    owner = np.repeat(np.arange(n), missing)
    fillers = _FIRST_COMMON + common(segments[owner], rng)
    planted_owner, planted = np.nonzero(held)
    keys = np.unique(np.concatenate([planted_owner, owner]) * len(ITEMS) + np.concatenate([planted, fillers]))
    owner, item = np.divmod(keys, len(ITEMS))
    start = np.searchsorted(owner, np.arange(n + 1))
    return DrawnBaskets(start, item, 1 + (rng.random(len(item)) < MORE_PIECES).astype(np.int64))


def common(segments: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return one item of the common stock, as its place there, for a customer of each of the segments."""
    chance = rng.random(len(segments))
    chosen = np.zeros(len(segments), np.int64)
    for place, steps in enumerate(_LIKED):
        members = segments == place
        chosen[members] = np.searchsorted(steps, chance[members], side="right")
    return chosen


def shares() -> NDArray[np.float64]:
    """Return how each segment's choices from the common stock are spread, float64 ``[k, items]``."""
    liked = np.array([[segment.liking if name in segment.likes else 1.0 for name in COMMON] for segment in SEGMENTS])
    weights = liked * _POPULARITY
    spread: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return spread


_LIKED = np.cumsum(shares(), axis=1)[:, :-1]


def _planted(n: int, shifted: bool, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which planted items, and whether the staple, are in each basket, bool ``[n, items]``."""
    held = rng.random((n, _FIRST_COMMON))
    result = np.zeros(held.shape, bool)
    column = 0
    for rule in RULES:
        x = slice(column, column + len(rule.antecedent))
        result[:, x] = held[:, x] < rule.chance
        given = result[:, x].all(axis=1) & rule.holds(shifted)
        result[:, x.stop] = held[:, x.stop] < np.where(given, rule.confidence, rule.base_rate)
        column = x.stop + 1
    result[:, column] = held[:, column] < STAPLE_CHANCE
    return result
