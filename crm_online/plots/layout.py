"""The panels of a picture in one figure.

Up to twenty segments: customers and tree side by side, the table across. More: the tree needs the whole height.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crm_online.plots import dendrogram, scatter, table
from crm_online.plots.axes import choose
from crm_online.plots.lettering import FONT, Lettering
from crm_online.plots.markers import INK, LINE, PALE
from crm_online.plots.picture import SegmentPicture

WIDTH = 13.0
DPI = 120
_FEW = 20
_EDGE, _GUTTER = 0.3, 0.25
_TITLE = 0.55
_SCATTER = 4.9
_LEAST_TABLE, _MOST_TABLE = 0.9, 4.3
_TABLE_HEAD, _TABLE_ROW = 0.3, 0.38
_MOST_LEAVES = 64
_PER_LEAF = 0.133


def render(picture: SegmentPicture, file: BinaryIO, kind: str, axes: Sequence[str] | None) -> str:
    """Draw a picture into a file; return the letters in it that no font has.

    Parameters
    ----------
    picture
        What is drawn; at least one segment.
    file
        Where to.
    kind
        ``png`` or ``svg``.
    axes
        Two features, or ``None`` for the principal axes.

    Raises
    ------
    InputError
        If an axis is no feature of the model.
    """
    across, up = choose(picture, axes)
    letters = Lettering(_texts(picture, across.label, up.label), keep=kind == "svg")
    style = {
        "font.family": [*letters.families, "sans-serif"],
        "font.sans-serif": [FONT, "Verdana", "sans-serif"],
        "font.size": 8.0,
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
        figure = _figure(picture, letters, (across, up))
        figure.savefig(file, format=kind, dpi=DPI, metadata=metadata)
    return letters.lacking


@contextmanager
def _font_warnings_off() -> Iterator[None]:
    """Turn matplotlib's warnings about missing glyphs off: `render` returns them."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
            yield
    finally:
        log.setLevel(level)


def _texts(picture: SegmentPicture, *labels: str) -> list[str]:
    texts = [*labels, picture.as_of]
    for number, segment in enumerate(picture.segments):
        texts += [str(segment["id"]), str(segment["name"]), picture.description(number), picture.trait_text(number)]
    return texts


def _figure(picture: SegmentPicture, letters: Lettering, axes: scatter.AxisPair) -> Figure:
    few = len(picture.segments) <= _FEW
    inner = WIDTH - 2 * _EDGE
    left = 0.57 * inner
    if few:
        tree = _SCATTER
        most = max(_MOST_TABLE, _TABLE_HEAD + _TABLE_ROW * len(picture.segments))
        rows = table.lay_out(picture, letters, inner, most)
        height = _TITLE + _SCATTER + max(_LEAST_TABLE, rows.height) + _EDGE
    else:
        tree = max(_SCATTER + _MOST_TABLE, _PER_LEAF * min(len(picture.segments), _MOST_LEAVES) + 0.8)
        rows = table.lay_out(picture, letters, left - _GUTTER, tree - _SCATTER)
        height = _TITLE + tree + _EDGE
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    _title(figure, picture, letters, height)
    top = height - _TITLE
    scatter.draw(_panel(figure, _EDGE, top - _SCATTER, left - _GUTTER, _SCATTER), picture, letters, axes)
    dendrogram.draw(_panel(figure, _EDGE + left, top - tree, inner - left, tree), picture, letters)
    table.draw(_panel(figure, _EDGE, top - _SCATTER - rows.height, rows.width, rows.height), rows)
    return figure


def _panel(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Return a panel that measures inches, from its lower left corner."""
    whole_width, whole_height = figure.get_size_inches()
    panel = figure.add_axes((x / whole_width, y / whole_height, width / whole_width, height / whole_height))
    panel.set(xlim=(0, width), ylim=(0, height))
    panel.axis("off")
    return panel


def _title(figure: Figure, picture: SegmentPicture, letters: Lettering, height: float) -> None:
    count = len(picture.segments)
    text = f"{count} segment{'s' if count > 1 else ''} of {picture.customers:,} customers"
    y = 1 - 0.28 / height
    figure.text(_EDGE / WIDTH, y, text, size=13, weight="bold", va="center")
    if picture.as_of:
        as_of = letters.fit(f"as of {picture.as_of}", 4.0, 9)
        figure.text(1 - _EDGE / WIDTH, y, as_of, size=9, color=PALE, va="center", ha="right")
    line = 1 - (_TITLE - 0.05) / height
    figure.add_artist(matplotlib.lines.Line2D([_EDGE / WIDTH, 1 - _EDGE / WIDTH], [line, line], color=LINE, lw=0.8))
