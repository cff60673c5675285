"""How good predictions are: for each target a row of calibration, ROC AUC over time, and gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crm_online.plots.lettering import Lettering
from crm_online.plots.markers import INK, LINE, PALE, segment_marker
from crm_online.plots.style import DPI, EDGE, TITLE, WIDTH, save, title

_ROW = 4.3
_LEFT, _BOTTOM, _TOP = 0.55, 0.62, 0.42
_LEGEND = 0.3
ACTED_ON = "ensemble"


def render(found: Mapping[str, Any], file: BinaryIO, kind: str) -> str:
    """Draw predictions into a file; return the letters in it that no font has.

    Parameters
    ----------
    found
        As ``Lookup.predictions`` has them; with at least one curve.
    file
        Where to.
    kind
        ``png`` or ``svg``.
    """
    targets = list(dict.fromkeys(one["target"] for one in found["curves"] if one["calibration"]))
    as_of = str(found["as_of"])[:16].replace("T", " ")
    letters = Lettering([*targets, as_of], keep=kind == "svg")

    def draw() -> Figure:
        height = TITLE + _ROW * len(targets) + _LEGEND + EDGE
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
        title(
            figure, f"Predictions for {found['horizon_days']:g} days ahead, as judged by what happened", as_of, letters
        )
        names = list(dict.fromkeys(one["name"] for one in found["curves"]))
        for row, target in enumerate(targets):
            curves = [one for one in found["curves"] if one["target"] == target]
            periods = [one for one in found["over_time"] if one["target"] == target]
            panels = _panels(figure, TITLE + _ROW * row)
            _calibration(panels[0], curves, names, letters.fit(target, 2.0, 9))
            _over_time(panels[1], periods, names)
            _gains(panels[2], curves, names)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(names), frameon=False, fontsize=8.5)
        return figure

    save(draw, letters, file, kind)
    return letters.lacking


def _panels(figure: Figure, top: float) -> list[Axes]:
    """Return three plots next to each other, some inches below the top."""
    width, height = figure.get_size_inches()
    each = (width - 2 * EDGE) / 3
    plots = []
    for column in range(3):
        left, bottom = EDGE + each * column + _LEFT, height - top - _ROW + _BOTTOM
        size = (each - _LEFT - 0.2) / width, (_ROW - _BOTTOM - _TOP) / height
        plot = figure.add_axes((left / width, bottom / height, *size))
        plot.spines[["top", "right"]].set_visible(False)
        plot.grid(color=LINE, lw=0.5)
        plot.set_axisbelow(True)
        plots.append(plot)
    return plots


def _line(plot: Axes, names: Sequence[str], name: str, x: Sequence[Any], y: Sequence[float | None]) -> None:
    marker, first = segment_marker(names.index(name)), name == ACTED_ON
    known = np.array([np.nan if value is None else value for value in y])
    plot.plot(
        x,
        known,
        label=name,
        color=INK if first else marker.colour,
        lw=2.2 if first else 1.1,
        marker=marker.shape,
        markersize=4.5 if first else 3.5,
        markeredgewidth=0,
        zorder=3 if first else 2,
    )


def _calibration(plot: Axes, curves: Sequence[Mapping[str, Any]], names: Sequence[str], target: str) -> None:
    plot.plot([0, 1], [0, 1], color=PALE, lw=0.8, ls=(0, (4, 3)))
    for one in curves:
        points = one["calibration"]
        _line(plot, names, one["name"], [p["predicted"] for p in points], [p["observed"] for p in points])
    plot.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"predicted chance of {target}", ylabel="share for which it happened")
    plot.set_title("Calibration", loc="left", size=10)
    _percent(plot)


def _gains(plot: Axes, curves: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    plot.plot([0, 1], [0, 1], color=PALE, lw=0.8, ls=(0, (4, 3)))
    for one in curves:
        if one["gains"]:
            _line(plot, names, one["name"], np.linspace(0, 1, len(one["gains"])).tolist(), one["gains"])
    happens = any(one["rarer"] for one in curves)
    what = "for whom it happened" if happens else "for whom it did not happen"
    plot.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="share of customers, the likeliest first",
        ylabel=f"share found of those {what}",
    )
    plot.set_title("Gains", loc="left", size=10)
    _percent(plot)


def _over_time(plot: Axes, periods: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    begins = [datetime.fromisoformat(str(one["begin"])) for one in periods]
    for name in names:
        figures = [next((m["roc_auc"] for m in one["models"] if m["name"] == name), None) for one in periods]
        _line(plot, names, name, begins, figures)
    plot.set(ylabel="ROC AUC", xlabel="when it was predicted")
    plot.set_title("Over time, each predicted before it was known", loc="left", size=10)


def _percent(plot: Axes) -> None:
    for axis in (plot.xaxis, plot.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
