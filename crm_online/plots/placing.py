"""Labels near points, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 16
_RINGS = (0.0, 5.0, 12.0, 22.0, 35.0, 50.0, 70.0)
_PER_DOT = 0.4
_PER_POINT = 40.0


def place_labels(
    points: NDArray[np.float64],
    sizes: Sequence[tuple[float, float]],
    bounds: tuple[float, float],
    dots: NDArray[np.float64],
    clear: float = 9.0,
) -> list[tuple[float, float] | None]:
    """Return the middles of labels; ``None`` for one that has no room.

    Each label in turn takes, of the places around its point that are free, the one that lies near and covers
    little. Lengths are in typographic points.

    Parameters
    ----------
    points
        What is labelled, shape (k, 2), from the lower left corner.
    sizes
        Width and height of each label; those who come first choose first.
    bounds
        Width and height of the plot.
    dots
        What would rather not be covered, shape (n, 2).
    clear
        How far from any point a label stays.

    Examples
    --------
    >>> place_labels(np.array([[50.0, 50.0], [50.0, 50.0]]), [(30, 10)] * 2, (100, 100), np.zeros((0, 2)))
    [(74.0, 50.0), (71.363961029, 61.363961029)]
    """
    turns = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    ways = np.column_stack([np.cos(turns), np.sin(turns)]).round(9)
    found: list[tuple[float, float] | None] = []
    placed: list[tuple[float, float, float, float]] = []
    for point, (width, height) in zip(points, sizes, strict=True):
        half = np.array([width, height]) / 2
        best: tuple[float, tuple[float, float]] | None = None
        for ring in _RINGS:
            if best and best[0] <= ring:
                break
            for way in ways:
                middle = point + way * (clear + ring) + np.clip(way * 2, -1, 1) * half
                low, high = middle - half, middle + half
                if (low < 0).any() or (high > bounds).any() or any(_overlap(low, high, box) for box in placed):
                    continue
                cost = ring + _PER_DOT * _within(dots, low, high) + _PER_POINT * _within(points, low - 3, high + 3)
                cost = round(float(cost), 6)
                if best is None or cost < best[0]:
                    best = cost, (float(middle[0]), float(middle[1]))
        found.append(best[1] if best else None)
        if best:
            x, y = best[1]
            placed.append((x - half[0], y - half[1], x + half[0], y + half[1]))
    return found


def _overlap(low: NDArray[np.float64], high: NDArray[np.float64], box: tuple[float, float, float, float]) -> bool:
    return bool(low[0] < box[2] and box[0] < high[0] and low[1] < box[3] and box[1] < high[1])


def _within(points: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> int:
    return int(((points > low) & (points < high)).all(axis=1).sum())
