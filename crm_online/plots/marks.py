"""The segments' marks: shapes and colours that differ in print and to colour-blind eyes.

The colours differ in lightness, so that they stay apart in grey; the red of the centres is none of them.
"""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from numpy.typing import ArrayLike

COLOURS = ("#1b1464", "#dc9530", "#0f6fa8", "#98d2f0", "#6a2486", "#35a06c")
"""Lightness (CIE L*) of 14, 67, 45, 81, 30 and 59: neighbours lie far apart."""

SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "*", ">", "h")
"""Shapes that are told apart at the size of a letter."""

_AREAS = {"s": 0.9, "D": 0.75, "^": 1.25, "v": 1.25, "<": 1.25, ">": 1.25, "P": 1.25, "X": 1.25, "*": 2.0, "p": 1.2}

CENTRE = "#e0001b"
"""The centres' red, as in the source article."""

INK, PALE, LINE = "#222222", "#666666", "#cccccc"
"""Text; text that matters less; lines that part things."""


class Mark(NamedTuple):
    """How a segment's customers are drawn."""

    shape: str
    colour: str

    def on(self, axes: Axes, x: ArrayLike, y: ArrayLike, area: float) -> None:
        """Draw it at some places, with a thin white edge; shapes of one area look equally large."""
        axes.scatter(
            x,
            y,
            s=area * _AREAS.get(self.shape, 1.0),
            marker=self.shape,
            color=self.colour,
            edgecolors="white",
            linewidths=0.35,
        )


def mark(place: int) -> Mark:
    """Return the mark of the segment at a place; the first 72 differ in shape, in colour, or in both.

    Examples
    --------
    >>> mark(0), mark(12)
    (Mark(shape='o', colour='#1b1464'), Mark(shape='o', colour='#dc9530'))
    """
    turns = place // len(SHAPES)
    return Mark(SHAPES[place % len(SHAPES)], COLOURS[(place + turns) % len(COLOURS)])
