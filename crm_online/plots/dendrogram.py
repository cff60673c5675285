"""The tree of the segments."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from scipy.cluster import hierarchy as scipy_hierarchy

from crm_online.plots.lettering import Lettering
from crm_online.plots.markers import INK, PALE, segment_marker
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
    numbers = {segment["id"]: number for number, segment in enumerate(picture.segments)}
    order = [numbers[leaf] for leaf in leaves] if leaves else picture.by_size()
    _leaves(panel, picture, letters, order, room + 0.05)
    plot.set_ylim(0, _LEAF * max(1, len(order)))
    if not joined:
        plot.axis("off")
        why = "One segment makes no tree." if len(picture.segments) == 1 else "There is no tree of these segments."
        panel.text(0.05, _BOTTOM / 2, why, size=8, color=PALE, va="center")
        return
    plot.set_yticks([])
    plot.spines[["top", "right", "left"]].set_visible(False)
    plot.tick_params(labelsize=7.5)
    label = [letters.fit(line, room + 0.3, 8.5) for line in _DISTANCES[Linkage(joined["method"])]]
    plot.set_xlabel("\n".join(label), size=8.5)


def _tree(plot: Axes, tree: Hierarchy) -> list[str]:
    """Draw the joins; return the segments' ids from below."""
    steps = np.array(tree["linkage"], dtype=np.float64)
    steps[:, 3] = 2  # scipy's are segments, not customers; it reads them only where it sorts by them
    drawn = scipy_hierarchy.dendrogram(steps, no_plot=True, labels=tree["leaves"], distance_sort="descending")
    for heights, distances in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        plot.plot(distances, heights, color=INK, linewidth=1.3, solid_joinstyle="miter", clip_on=False)
    furthest = float(steps[:, 2].max())
    plot.set_xlim(furthest * 1.04 or 1.0, 0)
    return [str(leaf) for leaf in drawn["ivl"]]


def _leaves(panel: Axes, picture: SegmentPicture, letters: Lettering, order: list[int], x: float) -> None:
    """Write marker, id, name and size of each segment, from below."""
    width, height = panel.get_xlim()[1], panel.get_ylim()[1]
    step = (height - _BOTTOM - _TOP) / max(1, len(order))
    size = float(np.clip(step * 72 / 1.35, 4.0, 8.5))
    segments = [picture.segments[number] for number in order]
    ids = [letters.fit(str(segment["id"]), 0.8, size) for segment in segments]
    sizes = [f"{int(segment['size']):,}" for segment in segments]
    name_at = x + _GAP + max(letters.width(text, size) for text in ids) + 0.1
    room = width - name_at - max(letters.width(text, size) for text in sizes) - 0.1
    for row, (number, segment) in enumerate(zip(order, segments, strict=True)):
        y = _BOTTOM + (row + 0.5) * step
        segment_marker(number).draw(panel, x + 0.12, y, min(45.0, (step * 72 * 0.75) ** 2))
        panel.text(x + _GAP, y, ids[row], size=size, color=PALE, va="center")
        name = letters.fit(str(segment["name"]), room, size, bold=True)
        panel.text(name_at, y, name, size=size, weight="bold", va="center")
        panel.text(width, y, sizes[row], size=size, va="center", ha="right")
