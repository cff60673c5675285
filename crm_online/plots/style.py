"""How all pictures look, and how they become files: the same picture makes the same bytes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import matplotlib.style
from matplotlib.figure import Figure

from crm_online.plots.lettering import FONT, Lettering
from crm_online.plots.markers import INK, LINE, PALE

WIDTH = 13.0
"""Width of a picture in inches."""
DPI = 120
EDGE = 0.3
TITLE = 0.55
"""Height of the title in inches."""


def save(draw: Callable[[], Figure], letters: Lettering, file: BinaryIO, kind: str) -> None:
    """Draw a figure in the style of all, and write it.

    Parameters
    ----------
    draw
        Makes the figure.
    letters
        Fonts of its texts.
    file
        Where to.
    kind
        ``png`` or ``svg``.
    """
    style = {
        "font.family": [*letters.families, "sans-serif"],
        "font.sans-serif": [FONT, "Verdana", "sans-serif"],
        "font.size": 8.0,
        "date.converter": "concise",
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "crm-online",
        "text.color": INK,
        "axes.edgecolor": PALE,
        "axes.labelcolor": INK,
        "xtick.color": PALE,
        "ytick.color": PALE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    }
    metadata: dict[str, str | None] = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with matplotlib.style.context(["default", style]), _font_warnings_off():
        draw().savefig(file, format=kind, dpi=DPI, metadata=metadata)


def title(figure: Figure, text: str, as_of: str, letters: Lettering) -> None:
    """Write a figure's title, the time of the state next to it, and a line below."""
    width, height = figure.get_size_inches()
    y = 1 - 0.28 / height
    figure.text(EDGE / width, y, text, size=13, weight="bold", va="center")
    if as_of:
        words = letters.fit(f"as of {as_of}", 4.0, 9)
        figure.text(1 - EDGE / width, y, words, size=9, color=PALE, va="center", ha="right")
    line = 1 - (TITLE - 0.05) / height
    figure.add_artist(matplotlib.lines.Line2D([EDGE / width, 1 - EDGE / width], [line, line], color=LINE, lw=0.8))


@contextmanager
def _font_warnings_off() -> Iterator[None]:
    """Turn matplotlib's warnings about missing glyphs off: `Lettering.lacking` has these letters."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
            yield
    finally:
        log.setLevel(level)
