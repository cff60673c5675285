"""How many segments: what repeats is found, what differs by degrees is cut usefully, and neither flaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import make_blobs

from crm_online.segments.number import Choice, Score, score_candidates, still_chosen


def vectors(points: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return points as vectors, each feature with a standard deviation of 1024."""
    found: NDArray[np.int16] = np.rint((points - points.mean(axis=0)) / points.std(axis=0) * 1024).astype(np.int16)
    return found


def chosen(points: NDArray[np.float64]) -> Choice:
    return Choice.of(score_candidates(vectors(points)))


@pytest.mark.parametrize(("k", "seed"), [(2, 2), (3, 1), (4, 4), (6, 6), (8, 8), (10, 10)])
def test_clear_groups_of_unequal_sizes_are_counted(k: int, seed: int) -> None:
    sizes = np.maximum((np.random.default_rng(seed).dirichlet(np.full(k, 4)) * 800).astype(int), 40)
    points, _ = make_blobs(sizes.tolist(), n_features=8, random_state=seed)
    choice = chosen(points)
    assert (choice.k, choice.method) == (k, "prediction strength")
    assert choice.scores[k - 2].strength >= 0.9
    assert f"{choice.scores[k - 2].strength:.2f}" in choice.reason


def test_noise_of_many_features_is_cut_as_little_as_can_be() -> None:
    for points in (np.random.default_rng(0).normal(size=(600, 8)), np.random.default_rng(0).uniform(size=(600, 8))):
        choice = chosen(points)
        assert (choice.k, choice.method) == (2, "explained variance")
        assert "none explains 70 %" in choice.reason


def test_customers_who_differ_by_degrees_are_cut_until_enough_is_explained() -> None:
    generator = np.random.default_rng(0)
    along = generator.exponential(1, (800, 1))
    choice = chosen(along @ np.ones((1, 5)) + generator.normal(0, 0.3, (800, 5)))
    explained = {score.k: score.explained for score in choice.scores}
    assert choice.method == "explained variance"
    assert 3 <= choice.k <= 6
    assert explained[choice.k] >= 0.7 > explained[choice.k - 1]


def test_where_all_are_alike_there_is_one_segment() -> None:
    assert Choice.of(score_candidates(np.zeros((50, 2), np.int16))).k == 1
    assert Choice.of(score_candidates(np.zeros((0, 2), np.int16))).k == 1


def scores(**strengths: tuple[float, float]) -> list[Score]:
    return [Score(int(k[1:]), *both) for k, both in strengths.items()]


def test_a_number_in_force_stands_until_another_is_better_by_enough() -> None:
    near = scores(k2=(1.0, 0.4), k3=(0.88, 0.6), k4=(0.96, 0.7))
    assert Choice.of(near).k == 4
    assert not still_chosen(near, 3)  # the fourth repeats better, whatever is asked for
    wavering = scores(k2=(1.0, 0.4), k3=(0.99, 0.6), k4=(0.93, 0.7))
    assert Choice.of(wavering).k == 3  # a fourth only cuts one off that repeats nearly as well
    assert still_chosen(wavering, 4)
    assert still_chosen(wavering, 3)
    degrees = scores(k2=(0.8, 0.5), k3=(0.7, 0.68), k4=(0.6, 0.74))
    assert Choice.of(degrees).k == 4
    assert [k for k in (2, 3, 4) if still_chosen(degrees, k)] == [3, 4]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=11))
def test_what_is_chosen_is_a_candidate_and_stands(pairs: list[tuple[float, float]]) -> None:
    found = [Score(k, *pair) for k, pair in enumerate(pairs, 2)]
    choice = Choice.of(found)
    assert choice.k in {score.k for score in found}
    assert still_chosen(found, choice.k)
