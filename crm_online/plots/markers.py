"""The segments' markers: shapes and colours that differ in print and to colour-blind eyes.

The colours differ in lightness, so that they stay apart in grey; the red of the centroids is none of them.
"""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from numpy.typing import ArrayLike

COLOURS = ("#1b1464", "#dc9530", "#0f6fa8", "#98d2f0", "#6a2486", "#35a06c")
"""Lightness (CIE L*) of 14, 67, 45, 81, 30 and 59: neighbours lie far apart."""

SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "*", ">", "h")
"""Shapes that differ at the size of a letter."""

_AREAS = {"s": 0.9, "D": 0.75, "^": 1.25, "v": 1.25, "<": 1.25, ">": 1.25, "P": 1.25, "X": 1.25, "*": 2.0, "p": 1.2}

CENTROID = "#e0001b"
"""The centroids' red, as in the source article."""

INK, PALE, LINE = "#222222", "#666666", "#cccccc"
"""Text; text that matters less; lines that part things."""


class SegmentMarker(NamedTuple):
    """How a segment's customers are drawn."""

    shape: str
    colour: str

    def draw(self, axes: Axes, x: ArrayLike, y: ArrayLike, area: float) -> PathCollection:
        """Draw it at some points, with a thin white edge; shapes of one area look equally large."""
        return axes.scatter(
            x,
            y,
            s=area * _AREAS.get(self.shape, 1.0),
            marker=self.shape,
            color=self.colour,
            edgecolors="white",
            linewidths=0.35,
        )


def segment_marker(number: int) -> SegmentMarker:
    """Return the marker of a segment by its index; the first 72 differ in shape, in colour, or in both.

    Examples
    --------
    >>> segment_marker(0), segment_marker(12)
    (SegmentMarker(shape='o', colour='#1b1464'), SegmentMarker(shape='o', colour='#dc9530'))
    """
    turns = number // len(SHAPES)
    return SegmentMarker(SHAPES[number % len(SHAPES)], COLOURS[(number + turns) % len(COLOURS)])
