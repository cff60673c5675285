"""The panels of a picture in one figure.

Up to twenty segments: customers and tree side by side, the table across. More: the tree needs the whole height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crm_online.plots import dendrogram, scatter, table
from crm_online.plots.axes import choose
from crm_online.plots.lettering import Lettering
from crm_online.plots.picture import SegmentPicture
from crm_online.plots.style import DPI, EDGE, TITLE, WIDTH, save, title

_FEW = 20
_GUTTER = 0.25
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
    save(lambda: _figure(picture, letters, (across, up)), letters, file, kind)
    return letters.lacking


def _texts(picture: SegmentPicture, *labels: str) -> list[str]:
    texts = [*labels, picture.as_of]
    for number, segment in enumerate(picture.segments):
        texts += [str(segment["id"]), str(segment["name"]), picture.description(number), picture.trait_text(number)]
    return texts


def _figure(picture: SegmentPicture, letters: Lettering, axes: scatter.AxisPair) -> Figure:
    few = len(picture.segments) <= _FEW
    inner = WIDTH - 2 * EDGE
    left = 0.57 * inner
    if few:
        tree = _SCATTER
        most = max(_MOST_TABLE, _TABLE_HEAD + _TABLE_ROW * len(picture.segments))
        rows = table.lay_out(picture, letters, inner, most)
        height = TITLE + _SCATTER + max(_LEAST_TABLE, rows.height) + EDGE
    else:
        tree = max(_SCATTER + _MOST_TABLE, _PER_LEAF * min(len(picture.segments), _MOST_LEAVES) + 0.8)
        rows = table.lay_out(picture, letters, left - _GUTTER, tree - _SCATTER)
        height = TITLE + tree + EDGE
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    count = len(picture.segments)
    text = f"{count} segment{'s' if count > 1 else ''} of {picture.customers:,} customers"
    title(figure, text, picture.as_of, letters)
    top = height - TITLE
    scatter.draw(_panel(figure, EDGE, top - _SCATTER, left - _GUTTER, _SCATTER), picture, letters, axes)
    dendrogram.draw(_panel(figure, EDGE + left, top - tree, inner - left, tree), picture, letters)
    table.draw(_panel(figure, EDGE, top - _SCATTER - rows.height, rows.width, rows.height), rows)
    return figure


def _panel(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Return a panel that measures inches, from its lower left corner."""
    whole_width, whole_height = figure.get_size_inches()
    panel = figure.add_axes((x / whole_width, y / whole_height, width / whole_width, height / whole_height))
    panel.set(xlim=(0, width), ylim=(0, height))
    panel.axis("off")
    return panel
