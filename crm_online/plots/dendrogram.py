"""The tree of the segments."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.cluster import hierarchy as scipy_hierarchy

from crm_online.plots.lettering import Lettering
from crm_online.plots.marks import INK, PALE, mark
from crm_online.plots.picture import SegmentPicture
from crm_online.segments.hierarchy import Hierarchy
from crm_online.segments.linkage import Linkage

_BOTTOM, _TOP = 0.62, 0.42
_TREE = 0.43
_GAP = 0.3
_LEAF = 10.0
_DISTANCES = {
    Linkage.AVERAGE: ("mean distance of their centres, weighted", "by customers (standard deviations)"),
    Linkage.WARD: ("√(2 × what the join adds to J)", "(standard deviations)"),
    Linkage.COMPLETE: ("largest distance of their centres", "(standard deviations)"),
}


def draw(panel: Axes, picture: SegmentPicture, letters: Lettering) -> None:
    """Draw the tree into a panel that measures inches: its root on the left, the segments on the right."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    tree = picture.hierarchy
    joined = tree if tree is not None and tree["linkage"] else None
    title = f"How the segments join: {joined['method']} linkage" if joined else "The segments"
    panel.text(0, height - 0.14, title, size=10, weight="bold", va="center")
    room = _TREE * width if joined else 0.12
    plot = panel.inset_axes((0.05, _BOTTOM, room, height - _BOTTOM - _TOP), transform=panel.transData)
    leaves = _tree(plot, joined) if joined else None
    place = {segment["id"]: number for number, segment in enumerate(picture.segments)}
    places = [place[leaf] for leaf in leaves] if leaves else picture.by_size()
    _leaves(panel, picture, letters, places, room + 0.05)
    plot.set_ylim(0, _LEAF * max(1, len(places)))
    if not joined:
        plot.axis("off")
        told = "One segment makes no tree." if len(picture.segments) == 1 else "There is no tree of these segments."
        panel.text(0.05, _BOTTOM / 2, told, size=8, color=PALE, va="center")
        return
    plot.set_yticks([])
    for side in ("top", "right", "left"):
        plot.spines[side].set_visible(False)
    plot.tick_params(labelsize=7.5)
    label = [letters.fit(line, room + 0.3, 8.5) for line in _DISTANCES[Linkage(joined["method"])]]
    plot.set_xlabel("\n".join(label), size=8.5, parse_math=False)


def _tree(plot: Axes, tree: Hierarchy) -> list[str]:
    """Draw the joins; return the segments' ids from below."""
    steps = np.array(tree["linkage"], dtype=np.float64)
    steps[:, 3] = _leaves_under(steps)
    drawn = scipy_hierarchy.dendrogram(steps, no_plot=True, labels=tree["leaves"], distance_sort="descending")
    for heights, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        plot.plot(distances, heights, color=INK, linewidth=1.3, solid_joinstyle="miter", clip_on=False)
    furthest = float(steps[:, 2].max())
    plot.set_xlim(furthest * 1.04 or 1.0, 0)
    return [str(leaf) for leaf in drawn["ivl"]]


def _leaves(panel: Axes, picture: SegmentPicture, letters: Lettering, places: list[int], x: float) -> None:
    """Write mark, id, name and size of each segment, from below."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    step = (height - _BOTTOM - _TOP) / max(1, len(places))
    size = float(np.clip(step * 72 / 1.35, 4.0, 8.5))
    sizes = [f"{int(picture.segments[place]['size']):,}" for place in places]
    end = max(letters.width(text, size) for text in sizes) + 0.1
    ids = [letters.fit(str(picture.segments[place]["id"]), 0.8, size) for place in places]
    name_at = x + _GAP + max(letters.width(text, size) for text in ids) + 0.1
    for number, (place, text, count) in enumerate(zip(places, ids, sizes, strict=True)):
        y = _BOTTOM + (number + 0.5) * step
        area = min(45.0, (step * 72 * 0.75) ** 2)
        mark(place).on(panel, x + 0.12, y, area)
        name = letters.fit(str(picture.segments[place]["name"]), width - name_at - end, size, bold=True)
        panel.text(x + _GAP, y, text, size=size, color=PALE, va="center", parse_math=False)
        panel.text(name_at, y, name, size=size, weight="bold", va="center", parse_math=False)
        panel.text(width, y, count, size=size, va="center", ha="right", parse_math=False)


def _leaves_under(steps: NDArray[np.float64]) -> list[int]:
    """Return how many segments each join holds, which is what scipy takes a linkage's last column for."""
    count = [1] * (len(steps) + 1)
    for a, b in steps[:, :2].astype(int).tolist():
        count.append(count[a] + count[b])
    return count[len(steps) + 1 :]
