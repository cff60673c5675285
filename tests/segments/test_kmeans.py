"""Nearest centres and fits: as scikit-learn's, and the same to the last bit under any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info, threadpool_limits

from crm_online.segments.kmeans import distances, fit, inertia, nearest
from crm_online.segments.vectors import RESOLUTION

points = arrays(np.int16, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(-32767, 32767))


def blobs(centres: int, n: int = 600, seed: int = 0) -> NDArray[np.int16]:
    """Return n points about centres on a circle, well apart."""
    generator = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(centres) / centres
    places = 4000 * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.rint(places[np.arange(n) % centres] + generator.normal(0, 300, (n, 2))).astype(np.int16)


def test_nearest_equals_scikit_learns_prediction() -> None:
    sample = np.random.default_rng(0).normal(0, 2000, (3000, 11)).astype(np.int16)
    model = KMeans(6, n_init=1, random_state=0).fit(sample.astype(np.float64))
    labels, away = nearest(sample, model.cluster_centers_)
    assert np.array_equal(labels, model.predict(sample.astype(np.float64)))
    assert away == pytest.approx(model.transform(sample.astype(np.float64)).min(axis=1) / RESOLUTION, rel=1e-9)


@given(points, st.integers(1, 5))
def test_a_point_is_scored_the_same_alone_and_in_any_batch(vectors: NDArray[np.int16], k: int) -> None:
    centroids = np.random.default_rng(k).normal(0, 9999, (k, 3))
    whole = distances(vectors, centroids)
    assert np.array_equal(
        whole, np.concatenate([distances(vectors[i : i + 1], centroids) for i in range(len(vectors))])
    )


def test_ties_go_to_the_lowest_index() -> None:
    labels, _ = nearest(np.zeros((1, 1), np.int16), np.array([[7.0], [-5.0], [5.0], [5.0]]))
    assert labels.tolist() == [1]


def test_the_largest_distances_do_not_overflow() -> None:
    assert distances(np.full((1, 2), 32767, np.int16), np.full((1, 2), -32767.0))[0, 0] == pytest.approx(
        2 * 32767 * 2**0.5 / RESOLUTION
    )


def test_a_fit_is_as_good_as_scikit_learns() -> None:
    sample = np.random.default_rng(4).normal(0, 1500, (2000, 5)).astype(np.int16)
    ours = inertia(sample, fit(sample, 6, starts=10))
    assert ours <= 1.005 * KMeans(6, n_init=10, random_state=1).fit(sample / RESOLUTION).inertia_


def test_centres_are_whole_vector_units_in_one_order() -> None:
    sample = blobs(4)
    centres = fit(sample, 4, starts=2)
    assert np.array_equal(centres, np.rint(centres))
    assert centres.tolist() == sorted(centres.tolist())
    assert centres.tolist() == fit(sample[::-1], 4, starts=2, seed=9).tolist()


@given(points, st.integers(1, 6))
def test_no_more_centres_come_back_than_there_are_distinct_points(sample: NDArray[np.int16], k: int) -> None:
    distinct = len(np.unique(sample, axis=0))
    centres = fit(sample, k, starts=1)
    assert 1 <= len(centres) <= min(k, distinct)
    assert len(np.unique(centres, axis=0)) == len(centres)


def test_many_duplicates_of_few_points_give_those_points() -> None:
    sample = np.repeat(np.array([[5, 5], [-7, 0]], np.int16), 200, axis=0)
    assert fit(sample, 6, starts=3).tolist() == [[-7.0, 0.0], [5.0, 5.0]]


def test_a_fit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sample"):
        fit(np.zeros((0, 2), np.int16), 2, starts=1)


def test_fits_run_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    # More threads add up in another order; rounding hides that nearly always, but not always.
    seen: list[int] = []

    def watched(n_clusters: int, **options: Any) -> KMeans:
        seen.extend(int(pool["num_threads"]) for pool in threadpool_info())
        return KMeans(n_clusters, **options)

    monkeypatch.setattr("sklearn.cluster.KMeans", watched)
    with threadpool_limits(limits=2):
        fit(blobs(3), 3, starts=1)
    assert set(seen) == {1}


FIT = """
import numpy as np
from crm_online.segments.kmeans import fit, nearest
from crm_online.segments.number import score_candidates
sample = np.random.default_rng(0).normal(0, 1500, (4096, 11)).astype(np.int16)
centres = fit(sample, 6, starts=2)
print(centres.tobytes().hex(), nearest(sample, centres)[1].tobytes().hex()[:4000])
print(score_candidates(sample[:300], [2, 3]))
"""


def test_fits_are_the_same_to_the_last_bit_under_any_number_of_threads_and_hash_seed(root: Path) -> None:
    printed = set()
    for threads in ("1", "2"):
        environment = os.environ | {
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONHASHSEED": threads,
            "PYTHONPATH": str(root),
        }
        done = subprocess.run([sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1
