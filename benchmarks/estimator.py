"""How good and how fast the estimator is, beside river's KMeans and scikit-learn's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from river import cluster
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from benchmarks.quality import STARTS, nearest
from benchmarks.report import Report
from crm_online import OnlineKMeans

SAMPLE = 100
MOVED = 20_000
PLACES_BEFORE, PLACES_AFTER = [(0.0, 0.0), (5.0, 5.0)], [(20.0, -10.0), (24.0, -14.0)]
ONLINE = "OnlineKMeans"
WAYS: dict[str, Callable[[int], Any]] = {
    f"{ONLINE}, sample of {SAMPLE}": lambda seed: OnlineKMeans(4, sample=SAMPLE, seed=seed),
    "river's KMeans": lambda seed: cluster.KMeans(4, seed=seed),
    "river's KMeans, halflife 0.02 and sigma 6": lambda seed: cluster.KMeans(4, halflife=0.02, sigma=6, seed=seed),
}
"""The ways to learn, given a seed; the last one's parameters are right for these points."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many orders of the article's points, and how many points are timed."""

    shuffles: int
    timed: int


FULL = Sizes(20, 200_000)
QUICK = Sizes(20, 20_000)


def run(sizes: Sizes) -> Report:
    """Learn the article's points in many orders, then time longer streams."""
    report = Report(
        f"The estimator: make_blobs(1000, centers=4, std 0.6, seed 42), {sizes.shuffles} orders, and time a point"
    )
    points, truth = make_blobs(1000, centers=4, cluster_std=0.6, random_state=42)
    best = float(KMeans(4, n_init=STARTS, random_state=1).fit(points).inertia_)
    for name, new in WAYS.items():
        found = [_judged(learnt(new(order), shuffled(points, order)), points, truth) for order in range(sizes.shuffles)]
        ratios, agreements = [inertia / best for inertia, _ in found], [agreement for _, agreement in found]
        ours = name.startswith(ONLINE)
        report.add(f"{name}: J to scikit-learn's, median", float(np.median(ratios)), "×")
        report.add(f"{name}: J to scikit-learn's, worst", max(ratios), "×", most=1.01 if ours else None)
        report.add(f"{name}: ARI with the true labels, worst", min(agreements), least=1 if ours else None)
    _drift(report)
    for k, d in ((4, 2), (6, 11)):
        many, _ = make_blobs(sizes.timed, n_features=d, centers=k, random_state=1)
        _time(report, many, k, f"k = {k}, d = {d}")
    report.notes.append(
        "J: of all points by the nearest of the final centres. Times are with fits, and refits at each doubling"
    )
    return report


def shuffled(points: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Return the points in one of many orders."""
    return points[np.random.default_rng(order).permutation(len(points))]


def learnt(model: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let a model of river learn points one by one, and return its centres."""
    for point in points.tolist():
        model.learn_one(dict(enumerate(point)))
    return np.array([[centre[place] for place in range(points.shape[1])] for centre in model.centers.values()])


def _judged(centres: NDArray[np.float64], points: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Return J of the points by their nearest centres, and how well that agrees with the truth."""
    labels = nearest(points, centres)
    return float(((points - centres[labels]) ** 2).sum()), float(adjusted_rand_score(truth, labels))


def _drift(report: Report) -> None:
    """Let two clusters jump elsewhere after half of the points, and judge the last centres by the last points."""
    generator = np.random.default_rng(0)
    labels, late = generator.integers(0, 2, 2 * MOVED), np.arange(2 * MOVED) >= MOVED
    points = np.array([PLACES_BEFORE, PLACES_AFTER])[late.astype(int), labels] + generator.normal(
        0, 0.5, (2 * MOVED, 2)
    )
    last = points[-MOVED // 4 :]
    best = float(KMeans(2, n_init=STARTS, random_state=1).fit(last).inertia_)
    ways: dict[str, Any] = {
        ONLINE: OnlineKMeans(2),
        f"{ONLINE}, halflife None": OnlineKMeans(2, halflife=None),
        "river's KMeans": cluster.KMeans(2, seed=0),
        "river's KMeans, halflife 0.02 and sigma 6": cluster.KMeans(2, halflife=0.02, sigma=6, seed=0),
    }
    for name, model in ways.items():
        centres = learnt(model, points)
        ratio = float(((last - centres[nearest(last, centres)]) ** 2).sum()) / best
        most = 1.01 if name == ONLINE else None
        report.add(f"clusters that moved: {name}: J of the last {len(last):,} to scikit-learn's", ratio, "×", most=most)


def _time(report: Report, points: NDArray[np.float64], k: int, of: str) -> None:
    dicts, frame = [dict(enumerate(point)) for point in points.tolist()], pd.DataFrame(points)
    online, batch = OnlineKMeans(k), OnlineKMeans(k)
    other: Any = cluster.KMeans(k, seed=42)
    ways: dict[str, Callable[[], object]] = {
        "OnlineKMeans.learn_one": lambda: _each(online.learn_one, dicts),
        "OnlineKMeans.predict_one": lambda: _each(online.predict_one, dicts),
        "OnlineKMeans.learn_many": lambda: batch.learn_many(frame),
        "OnlineKMeans.predict_many": lambda: batch.predict_many(frame),
        "river's learn_one": lambda: _each(other.learn_one, dicts),
        "river's predict_one": lambda: _each(other.predict_one, dicts),
    }
    for name, work in ways.items():
        started = time.perf_counter()
        work()
        report.add(f"{of}: {name}, a point", (time.perf_counter() - started) / len(points) * 1e6, "µs")


def _each(do: Callable[[dict[int, float]], object], points: list[dict[int, float]]) -> None:
    for point in points:
        do(point)
