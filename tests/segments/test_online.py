"""The parts together: customers scored in batches against moving centroids end as near as batch k-means."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from crm_online.segments.kmeans import nearest
from crm_online.segments.model import Model, first_fit, refit
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.segments.vectors import RESOLUTION, Transform

BATCH = 50


def online(raw: NDArray[np.float64], k: int, transform: Transform) -> tuple[SegmentSums, NDArray[np.int16]]:
    """Let customers arrive in batches, change and change back, and refit whenever their number has doubled."""
    n, d = raw.shape
    generator = np.random.default_rng(0)
    names, present = [f"f{number}" for number in range(d)], raw.copy()
    vectors, labels = np.zeros((n, d), np.int16), np.full(n, ABSENT)
    sums, model, checked = SegmentSums.empty(k, d), None, 50
    for begin in range(0, n, BATCH):
        end = min(begin + BATCH, n)
        if isinstance(model, Model):
            changing = generator.choice(begin, min(BATCH, begin), replace=False)
            present[changing] = raw[changing] * (generator.lognormal(0, 0.1, (len(changing), d)) if end < n else 1)
            touched = np.concatenate([np.arange(begin, end), changing])
            scored = model.scale.encode(present[touched])
            nearer, _ = nearest(scored, model.current(sums.centroids()))
            sums = sums.move(vectors[touched], labels[touched], scored, nearer)
            vectors[touched], labels[touched] = scored, nearer
        if end < 2 * checked:
            continue
        checked = end
        if model is None:
            version = first_fit(present[:end], names, [transform] * d, [1.0] * d, k, as_of=end)
        else:
            current = model.current(sums.centroids())
            version = refit(model, present[:end], k, current=current, as_of=end) or model
        if version is not model:
            model = version
            vectors[:end] = model.scale.encode(present[:end])
            labels[:end], _ = nearest(vectors[:end], model.centres())
            sums = SegmentSums.empty(model.k, d).move(None, None, vectors[:end], labels[:end])
    return sums, vectors


def ratio(sums: SegmentSums, vectors: NDArray[np.int16], k: int) -> float:
    return sums.inertia() / float(KMeans(k, n_init=10, random_state=0).fit(vectors / RESOLUTION).inertia_)


@pytest.mark.parametrize("order", ["shuffled", "one cluster after the other"])
def test_the_articles_blobs_are_found_as_well_as_by_batch_k_means(order: str) -> None:
    # The points of sklearn.datasets.make_blobs(1000, centers=4, cluster_std=0.6, random_state=42).
    generator = np.random.RandomState(42)
    places = generator.uniform(-10, 10, (4, 2))
    raw = np.concatenate([generator.normal(place, 0.6, (250, 2)) for place in places])
    if order == "shuffled":
        generator.shuffle(raw)
    assert ratio(*online(raw, 4, Transform.IDENTITY), 4) <= 1.001


def test_skewed_features_are_grouped_nearly_as_well_as_by_batch_k_means() -> None:
    generator = np.random.default_rng(3)
    raw = np.exp(generator.normal(0, 1.2, (4000, 6)) @ (np.eye(6) + 0.4))
    assert ratio(*online(raw, 6, Transform.LOG1P), 6) <= 1.03
