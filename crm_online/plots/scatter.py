"""The customers by segment, with the centres as red crosses."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from crm_online.plots.axes import Axis
from crm_online.plots.lettering import Lettering
from crm_online.plots.marks import CENTRE, INK, LINE, PALE, mark
from crm_online.plots.picture import SegmentPicture
from crm_online.plots.placing import place_labels
from crm_online.plots.ticks import ticks

Pair: TypeAlias = tuple[Axis, Axis]

NAMED = 10
"""Most segments whose names stand at their centres; of more it is their ids."""

LISTED = 20
"""Most segments in the legend."""

_LEFT, _BOTTOM, _TOP = 0.55, 0.62, 0.42
_LABEL, _TICK = 8.0, 7.5
_POINTS = 72.0
_MANY = 16
_ROW = 0.2


def draw(panel: Axes, picture: SegmentPicture, letters: Lettering, axes: Pair) -> None:
    """Draw the scatter into a panel that measures inches."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    listed = _legend(panel, picture, letters)
    size = width - _LEFT, height - _BOTTOM - _TOP - listed
    plot = panel.inset_axes((_LEFT, _BOTTOM, *size), transform=panel.transData)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)
    across, up = axes
    places = picture.places()
    plot.set_xlim(*_ends(across, places >= 0))
    plot.set_ylim(*_ends(up, places >= 0))
    _customers(plot, picture, axes, places)
    area, line = (70, 2.2) if len(picture.segments) <= _MANY else (36, 1.6)
    halo = [Stroke(linewidth=line + 2.4, foreground="white"), Normal()]
    plot.scatter(
        across.centres, up.centres, s=area, marker="x", color=CENTRE, linewidths=line, path_effects=halo, zorder=5
    )
    _labels(plot, picture, letters, axes, size, places >= 0)
    _axis(plot, picture, across, "x", size[0], letters)
    _axis(plot, picture, up, "y", size[1], letters)
    _title(panel, picture, letters, axes, int((places >= 0).sum()))


def _ends(axis: Axis, seen: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the ends of an axis that holds all centres and customers, with some air."""
    values = np.concatenate([axis.customers[seen], axis.centres[np.isfinite(axis.centres)]])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _customers(plot: Axes, picture: SegmentPicture, axes: Pair, places: NDArray[np.int64]) -> None:
    """Draw the customers, the small segments over the large ones."""
    across, up = axes
    area = float(np.clip(30_000 / max(1, len(places)), 11, 34))
    for place in picture.by_size():
        members = places == place
        mark(place).on(plot, across.customers[members], up.customers[members], area)


def _labels(
    plot: Axes,
    picture: SegmentPicture,
    letters: Lettering,
    axes: Pair,
    size: tuple[float, float],
    seen: NDArray[np.bool_],
) -> None:
    """Write each segment's name, or its id if there are many, near its centre."""
    across, up = axes
    order = [place for place in picture.by_size() if np.isfinite([across.centres[place], up.centres[place]]).all()]
    key = "name" if len(picture.segments) <= NAMED else "id"
    texts = [letters.fit(str(picture.segments[place][key]), 1.9, _LABEL, bold=True) for place in order]
    boxes = [(letters.width(text, _LABEL, bold=True) * _POINTS + 5, _LABEL * 1.2 + 4) for text in texts]
    low = np.array([plot.get_xlim()[0], plot.get_ylim()[0]])
    high = np.array([plot.get_xlim()[1], plot.get_ylim()[1]])
    inches = np.array(size) * _POINTS

    def at(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points - low) / (high - low) * inches)

    centres = at(np.column_stack([across.centres[order], up.centres[order]]))
    dots = at(np.column_stack([across.customers[seen], up.customers[seen]]))
    found = place_labels(centres, boxes, (float(inches[0]), float(inches[1])), dots)
    for text, centre, middle in zip(texts, centres, found, strict=True):
        if middle is None:
            continue
        plot.annotate(
            text,
            xy=tuple(centre / inches),
            xycoords="axes fraction",
            xytext=tuple(np.array(middle) / inches),
            textcoords="axes fraction",
            ha="center",
            va="center",
            size=_LABEL,
            weight="bold",
            parse_math=False,
            zorder=7,
            bbox={"boxstyle": "round,pad=0.18", "fc": "white", "ec": LINE, "lw": 0.6, "alpha": 0.88},
            arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.7, "shrinkA": 0, "shrinkB": 4, "zorder": 6},
        )


def _axis(plot: Axes, picture: SegmentPicture, axis: Axis, which: str, inches: float, letters: Lettering) -> None:
    """Name an axis; that of a feature has its marks in natural units."""
    side = plot.xaxis if which == "x" else plot.yaxis
    side.set_label_text(letters.fit(axis.label, inches, 9), size=9, parse_math=False)
    side.set_tick_params(labelsize=_TICK)
    if axis.feature is not None:
        low, high = sorted(side.get_view_interval())
        gap = (high - low) * (0.42 if which == "x" else 0.24) / inches
        unit = picture.units.get(picture.scale.names[axis.feature], "")
        marks = ticks(picture.scale, axis.feature, low, high, gap, unit)
        side.set_ticks([place for place, _ in marks], labels=[text for _, text in marks])


def _title(panel: Axes, picture: SegmentPicture, letters: Lettering, axes: Pair, seen: int) -> None:
    """Say what the scatter shows."""
    width, y = panel.get_xlim()[1], panel.get_ylim()[1] - 0.14
    title = "Customers by segment"
    panel.text(0, y, title, size=10, weight="bold", va="center")
    told = f"{seen:,} sampled customers" if seen else "no customers in the sample"
    told += "; red crosses: centres" + ("; (%): share of the variance" if axes[0].feature is None else "")
    x = letters.width(title, 10, bold=True) + 0.12
    panel.text(x, y, letters.fit(told, width - x, 7.5), size=7.5, color=PALE, va="center")


def _legend(panel: Axes, picture: SegmentPicture, letters: Lettering) -> float:
    """Write marks, ids and sizes in two lines at most above the plot, the largest first; return their height."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    order = picture.by_size()
    texts = [f"{picture.segments[place]['id']} · {int(picture.segments[place]['size']):,}" for place in order]
    texts = [letters.fit(text, 1.2, _LABEL) for text in texts]
    step = max(letters.width(text, _LABEL) for text in texts[:LISTED]) + 0.36
    columns = max(1, int(width / step))
    shown = len(texts) if len(texts) <= min(2 * columns, LISTED) else min(2 * columns, LISTED) - 1
    for number, text in enumerate(texts[:shown]):
        x, y = number % columns * step, height - 0.4 - number // columns * _ROW
        mark(order[number]).on(panel, x + 0.08, y, 38)
        panel.text(x + 0.2, y, text, size=_LABEL, va="center", parse_math=False)
    if len(texts) > shown:
        x, y = shown % columns * step, height - 0.4 - shown // columns * _ROW
        panel.text(x + 0.04, y, f"and {len(texts) - shown} more", size=_LABEL, color=PALE, va="center")
    return _ROW * (1 if len(texts) <= columns else 2)
