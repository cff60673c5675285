"""The parts together: customers scored in batches against moving centroids end as near as batch k-means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from crm_online.segments.kmeans import nearest
from crm_online.segments.model import Model, first_fit, next_check
from crm_online.segments.online import OnlineSegments
from crm_online.segments.refits import ScaledSample, refit
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.segments.vectors import LIMIT, RESOLUTION, Scale, Transform

BATCH = 50


def online(raw: NDArray[np.float64], k: int, transform: Transform) -> tuple[SegmentSums, NDArray[np.int16]]:
    """Let customers arrive in batches, change and change back, and refit whenever their number has doubled."""
    n, d = raw.shape
    generator = np.random.default_rng(0)
    names, present = [f"f{number}" for number in range(d)], raw.copy()
    vectors, labels = np.zeros((n, d), np.int16), np.full(n, ABSENT)
    segments, look = None, 100
    for begin in range(0, n, BATCH):
        end = min(begin + BATCH, n)
        if segments is not None:
            changing = generator.choice(begin, min(BATCH, begin), replace=False)
            present[changing] = raw[changing] * (generator.lognormal(0, 0.1, (len(changing), d)) if end < n else 1)
            touched = np.concatenate([np.arange(begin, end), changing])
            scored = segments.model.scale.encode(present[touched])
            labels[touched] = segments.move_to_nearest(vectors[touched], labels[touched], scored)[0]
            vectors[touched] = scored
        if end < look:
            continue
        look, here = next_check(end), present[:end]
        if segments is None:
            scale = Scale.fit(here, names, [transform] * d, [1.0] * d)
            version: Model | None = first_fit(here, scale, k, as_of=end)
        else:
            sample = ScaledSample(here, segments.model.scale.refitted(here), end)
            version = refit(segments.model, segments.centroids(), sample, k)
        if version is not None:
            segments = OnlineSegments(version)
            vectors[:end] = version.scale.encode(here)
            labels[:end] = segments.move_to_nearest(None, None, vectors[:end])[0]
    assert segments is not None
    return segments.sums, vectors


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


NAMES = [f"f{number}" for number in range(11)]


def segments_of(points: NDArray[np.int16], k: int) -> OnlineSegments:
    """Return segments fitted to points that are in vector units already, each point in its own."""
    d = points.shape[1]
    scale = Scale(
        tuple(NAMES[:d]),
        (Transform.IDENTITY,) * d,
        (0.0,) * d,
        (1.0 * RESOLUTION,) * d,
        (1.0,) * d,
        (1.0,) * d,
        ((-LIMIT, LIMIT),) * d,
    )
    segments = OnlineSegments(first_fit(points.astype(np.float64), scale, k, as_of=0))
    segments.move_to_nearest(None, None, points)
    return segments


def some_points(d: int) -> st.SearchStrategy[NDArray[np.int16]]:
    return arrays(np.int16, st.tuples(st.integers(4, 30), st.just(d)), elements=st.integers(-32767, 32767))


@given(st.sampled_from([1, 2, 11]).flatmap(some_points), st.integers(1, 5))
def test_a_point_that_comes_alone_joins_as_it_would_in_a_batch_of_one(points: NDArray[np.int16], k: int) -> None:
    alone, batch = segments_of(points[: len(points) // 2], k), segments_of(points[: len(points) // 2], k)
    for point in points[len(points) // 2 :]:
        before = alone.nearest(point)
        assert alone.enter(point) == before == batch.move_to_nearest(None, None, point[None])[0][0]
        assert alone.sums == batch.sums
        assert np.array_equal(alone.centroids(), batch.centroids())


@given(some_points(2))
def test_who_enters_and_leaves_again_changes_nothing(points: NDArray[np.int16]) -> None:
    segments = segments_of(points[:4], 3)
    before, centroids = segments.sums, segments.centroids()
    labels = segments.move_to_nearest(None, None, points[4:])[0]
    segments.leave(points[4:], labels)
    assert segments.sums == before
    assert np.array_equal(segments.centroids(), centroids)


def test_the_members_of_a_segment_go_to_its_heir_and_orphans_to_the_nearest_centre() -> None:
    places = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    raw = np.repeat(places, [30, 20, 10], axis=0) + np.random.default_rng(0).normal(0, 0.5, (60, 2))
    before = OnlineSegments(first_fit(raw, Scale.common(raw, NAMES[:2]), 3, as_of=0))
    before.move_to_nearest(None, None, before.model.scale.encode(raw))
    # In the next version, with another scale, the third has died, and another was born far away.
    scale = Scale.common(np.concatenate([raw, raw + 90.0]), NAMES[:2])
    centres = scale.encode(np.array([[1.0, 0.0], [11.0, 0.0], [99.0, 90.0]]))
    fitted = tuple(tuple(map(float, centre)) for centre in centres)
    model = replace(before.model, version=2, scale=scale, ids=("s1", "s2", "s4"), fitted=fitted)
    after = OnlineSegments(model)
    after.inherit(before)
    assert after.sums.W.tolist() == [40, 20, 0]  # the third is nearest to the first
    labels, _ = nearest(before.model.scale.encode(raw), before.model.centres())
    heirs = np.array([0, 1, 0])[labels]
    truth = sum(float(((raw[heirs == one] - raw[heirs == one].mean(axis=0)) ** 2).sum()) for one in (0, 1))
    assert after.sums.inertia() * scale.stds[0] ** 2 == pytest.approx(truth, rel=1e-3)


def test_a_feature_that_is_let_in_was_0_for_all() -> None:
    points = np.random.default_rng(0).normal(0, 3000, (50, 2)).astype(np.int16)
    narrow, wide = segments_of(points, 3), segments_of(points, 3)
    wide.widen(["more", "and more"])
    assert wide.model.scale.names == (*narrow.model.scale.names, "more", "and more")
    assert wide.sums.inertia() == narrow.sums.inertia()
    assert np.array_equal(wide.centroids()[:, :2], narrow.centroids())
    assert wide.nearest(np.array([*points[0], 9, 9], np.int16)) == narrow.nearest(points[0])
