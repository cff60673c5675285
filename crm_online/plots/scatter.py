"""The customers by segment, with the centroids as red crosses."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from crm_online.plots.axes import PlotAxis
from crm_online.plots.lettering import Lettering
from crm_online.plots.markers import CENTROID, INK, LINE, PALE, segment_marker
from crm_online.plots.picture import SegmentPicture
from crm_online.plots.placing import place_labels

AxisPair: TypeAlias = tuple[PlotAxis, PlotAxis]

NAMED = 10
"""Most segments whose names stand at their centroids; of more it is their ids."""

LISTED = 20
"""Most segments in the legend."""

_LEFT, _BOTTOM, _TOP = 0.55, 0.62, 0.42
_LABEL = 8.0
_POINTS = 72.0
_MANY = 16
_ROW = 0.2


def draw(panel: Axes, picture: SegmentPicture, letters: Lettering, axes: AxisPair) -> None:
    """Draw the scatter into a panel that measures inches."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    columns, listed = _legend_shape(picture, letters, width)
    size = width - _LEFT, height - _BOTTOM - _TOP - _ROW * (1 if listed <= columns else 2)
    plot = panel.inset_axes((_LEFT, _BOTTOM, *size), transform=panel.transData)
    plot.spines[["top", "right"]].set_visible(False)
    plot.set(xscale=axes[0].scale(plot.xaxis), yscale=axes[1].scale(plot.yaxis))
    for axis, side, inches in zip(axes, (plot.xaxis, plot.yaxis), size, strict=True):
        axis.set_ticks(side, inches)
        side.set_label_text(letters.fit(axis.label, inches, 9), size=9)
        side.set_tick_params(labelsize=7.5)
    segments = picture.segment_numbers()
    drawn = _customers(plot, picture, axes, segments)
    area, line = (70, 2.2) if len(picture.segments) <= _MANY else (36, 1.6)
    halo = [Stroke(linewidth=line + 2.4, foreground="white"), Normal()]
    across, up = axes
    plot.scatter(
        across.centroids,
        up.centroids,
        s=area,
        marker="x",
        color=CENTROID,
        linewidths=line,
        path_effects=halo,
        zorder=5,
    )
    _labels(plot, picture, letters, axes, np.array(size) * _POINTS)
    _legend(panel, picture, letters, drawn[:listed], columns)
    _title(panel, letters, axes, int((segments >= 0).sum()))


def _customers(
    plot: Axes, picture: SegmentPicture, axes: AxisPair, segments: NDArray[np.int64]
) -> list[PathCollection]:
    """Draw the customers, the small segments over the large ones."""
    area = _area(picture)
    drawn = []
    for number in picture.by_size():
        x, y = (axis.customers[segments == number] for axis in axes)
        drawn.append(segment_marker(number).draw(plot, x, y, area))
    return drawn


def _area(picture: SegmentPicture) -> float:
    """Return the area of a customer's marker, in square points."""
    return float(np.clip(30_000 / max(1, len(picture.labels)), 11, 34))


def _labels(
    plot: Axes, picture: SegmentPicture, letters: Lettering, axes: AxisPair, bounds: NDArray[np.float64]
) -> None:
    """Write each segment's name, or its id if there are many, near its centroid."""
    plot.autoscale_view()
    to_fraction = plot.transScale + plot.transLimits
    centroids = to_fraction.transform(np.column_stack([axis.centroids for axis in axes])) * bounds
    customers = to_fraction.transform(np.column_stack([axis.customers for axis in axes])) * bounds
    order = [number for number in picture.by_size() if np.isfinite(centroids[number]).all()]
    key = "name" if len(picture.segments) <= NAMED else "id"
    texts = [letters.fit(str(picture.segments[number][key]), 1.9, _LABEL, bold=True) for number in order]
    boxes = [(letters.width(text, _LABEL, bold=True) * _POINTS + 5, _LABEL * 1.2 + 4) for text in texts]
    found = place_labels(
        centroids[order], boxes, (float(bounds[0]), float(bounds[1])), customers[picture.segment_numbers() >= 0]
    )
    for text, centroid, middle in zip(texts, centroids[order], found, strict=True):
        if middle is None:
            continue
        plot.annotate(
            text,
            xy=tuple(centroid / bounds),
            xycoords="axes fraction",
            xytext=tuple(np.array(middle) / bounds),
            textcoords="axes fraction",
            ha="center",
            va="center",
            size=_LABEL,
            weight="bold",
            zorder=7,
            bbox={"boxstyle": "round,pad=0.18", "fc": "white", "ec": LINE, "lw": 0.6, "alpha": 0.88},
            arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.7, "shrinkA": 0, "shrinkB": 4, "zorder": 6},
        )


def _title(panel: Axes, letters: Lettering, axes: AxisPair, customers: int) -> None:
    width, y = panel.get_xlim()[1], panel.get_ylim()[1] - 0.14
    title = "Customers by segment"
    panel.text(0, y, title, size=10, weight="bold", va="center")
    about = f"{customers:,} sampled customers" if customers else "no customers in the sample"
    about += "; red crosses: centres" + ("; (%): share of the variance" if axes[0].unit is None else "")
    x = letters.width(title, 10, bold=True) + 0.12
    panel.text(x, y, letters.fit(about, width - x, 7.5), size=7.5, color=PALE, va="center")


def _legend_shape(picture: SegmentPicture, letters: Lettering, width: float) -> tuple[int, int]:
    """Return the columns of the legend, of two rows at most, and how many segments are in it."""
    widest = max(letters.width(text, _LABEL) for text in _legend_texts(picture, letters)[:LISTED])
    columns = max(1, int(width / (widest + 0.36)))
    room = min(2 * columns, LISTED)
    return columns, len(picture.segments) if len(picture.segments) <= room else room - 1


def _legend(
    panel: Axes, picture: SegmentPicture, letters: Lettering, drawn: list[PathCollection], columns: int
) -> None:
    """Write markers, ids and sizes above the plot, the largest first, row by row."""
    handles: list[PathCollection | Line2D] = [*drawn]
    texts = _legend_texts(picture, letters)[: len(drawn)]
    if rest := len(picture.segments) - len(drawn):
        handles.append(Line2D([], [], linestyle=""))
        texts.append(f"and {rest} more")
    rows = 1 if len(texts) <= columns else 2
    columns = -(-len(texts) // rows)
    # matplotlib fills a legend column by column.
    order = [at for column in range(columns) for at in range(column, len(texts), columns)]
    panel.legend(
        [handles[at] for at in order],
        [texts[at] for at in order],
        loc="upper left",
        bbox_to_anchor=(0, panel.get_ylim()[1] - 0.33),
        bbox_transform=panel.transData,
        ncols=columns,
        fontsize=_LABEL,
        markerscale=float(np.sqrt(38 / _area(picture))),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.75,
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=1.8,
    )


def _legend_texts(picture: SegmentPicture, letters: Lettering) -> list[str]:
    listed = [picture.segments[number] for number in picture.by_size()]
    return [letters.fit(f"{segment['id']} · {int(segment['size']):,}", 1.2, _LABEL) for segment in listed]
