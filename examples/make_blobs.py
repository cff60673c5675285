"""The article's example, online: four blobs of 1,000 points are found, one point after the other.

Run ``python examples/make_blobs.py [FILE.png]``. It prints how near three ways come to scikit-learn's
k-means, which sees all points at once, in 20 orders of the points; and draws the points of the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from river import cluster
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from crm_online import OnlineKMeans

Points = NDArray[np.float64]
MARKERS = "osv^"
GREYS = ("0.25", "0.45", "0.6", "0.75")


def learn(model: Any, points: Points) -> Points:
    """Let a model of river learn points one by one, and return its centres."""
    for x, y in points.tolist():
        model.learn_one({0: x, 1: y})
    return np.array([[centre[0], centre[1]] for centre in model.centers.values()])


def nearest(points: Points, centres: Points) -> tuple[NDArray[np.int64], float]:
    """Return which centre is nearest to each point, and the sum J of the squared distances to these."""
    away = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return away.argmin(axis=1), float(away.min(axis=1).sum())


def draw(path: Path, points: Points, centres: Points) -> None:
    """Draw points, by marker and grey of their cluster, and the centres as red crosses."""
    labels, _ = nearest(points, centres)
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for number, (x, y) in enumerate(centres):
        members = points[labels == number]
        axes.scatter(members[:, 0], members[:, 1], s=16, marker=MARKERS[number], color=GREYS[number], linewidths=0)
        axes.annotate(
            f"cluster {number}: {len(members)} points", (x, y), (0, -52), textcoords="offset points", ha="center"
        )
    for size, width, colour in (
        (16, 6, "white"),
        (14, 3, "red"),
    ):  # a white rim, so that they stand out in greyscale too
        axes.plot(*centres.T, "x", markersize=size, markeredgewidth=width, color=colour, zorder=3)
    axes.set(title="make_blobs, one point after the other; × marks a centre", xlabel="feature 1", ylabel="feature 2")
    axes.margins(0.1, 0.15)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the table, and draw the picture if a file is named."""
    points, truth = make_blobs(1000, centers=4, cluster_std=0.6, random_state=42)
    best = float(KMeans(4, n_init=10, random_state=0).fit(points).inertia_)
    print(f"J of scikit-learn's KMeans(4, n_init=10): {best:.2f}. J of the others as a multiple of that, and ARI:")
    print("order  OnlineKMeans(4, sample=100)  river's KMeans(4)  its halflife=0.02, sigma=6")
    centres = np.zeros((4, 2))
    for order in range(20):
        shuffled = points[np.random.default_rng(order).permutation(len(points))]
        centres = learn(OnlineKMeans(4, sample=100, seed=order), shuffled)
        others = [cluster.KMeans(4, seed=order), cluster.KMeans(4, halflife=0.02, sigma=6, seed=order)]
        figures = []
        for found in (centres, *(learn(other, shuffled) for other in others)):
            labels, inertia = nearest(points, found)
            figures.append(f"{inertia / best:8.3f}   {adjusted_rand_score(truth, labels):.2f}")
        print(f"{order + 1:5}  {figures[0]:>27}  {figures[1]:>17}  {figures[2]:>26}")
    if len(sys.argv) > 1:
        draw(Path(sys.argv[1]), points, centres)


if __name__ == "__main__":
    main()
