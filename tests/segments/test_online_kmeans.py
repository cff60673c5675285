"""The estimator: as good as batch k-means in any order, exact about what it did, and a good guest in river."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from river import base, checks, datasets
from river.preprocessing import StandardScaler
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

import crm_online
from crm_online import OnlineKMeans
from crm_online.segments.observations import Observations, in_order

Points = NDArray[np.float64]


def learnt(points: Points, **parameters: Any) -> OnlineKMeans:
    """Return an estimator that has learnt points one by one; features are named by their place."""
    model = OnlineKMeans(**parameters)
    for point in points.tolist():
        model.learn_one(dict(enumerate(point)))
    return model


def centres(model: OnlineKMeans) -> Points:
    """Return the centres, by cluster and feature."""
    return np.array([[centre[place] for place in sorted(centre)] for centre in model.centers.values()])


def judged(points: Points, places: Points) -> tuple[float, NDArray[np.int64]]:
    """Return the sum of squared distances to the nearest places, and which these are."""
    away = ((points[:, None] - places[None]) ** 2).sum(axis=2)
    return float(away.min(axis=1).sum()), away.argmin(axis=1)


def batch(points: Points, k: int) -> float:
    return float(KMeans(k, n_init=10, random_state=0).fit(points).inertia_)


BLOBS, TRUTH = make_blobs(1000, centers=4, cluster_std=0.6, random_state=42)
BATCH = batch(BLOBS, 4)


@pytest.mark.parametrize("shuffle", range(20))
def test_the_articles_blobs_are_found_in_any_order_from_a_sample_of_100(shuffle: int) -> None:
    order = np.random.default_rng(shuffle).permutation(len(BLOBS))
    inertia, labels = judged(BLOBS, centres(learnt(BLOBS[order], n_clusters=4, sample=100)))
    assert inertia <= 1.01 * BATCH
    assert adjusted_rand_score(TRUTH, labels) == 1


@pytest.mark.parametrize("clusters", list(permutations(range(4)))[::3])
def test_blobs_that_come_one_after_the_other_are_told_apart_too(clusters: tuple[int, ...]) -> None:
    model = learnt(BLOBS[np.argsort(np.array(clusters)[TRUTH], kind="stable")], n_clusters=4, sample=100)
    _, labels = judged(BLOBS, centres(model))
    # Those that came before there was a centre for them, and are not in the sample, have left their trace in means.
    assert adjusted_rand_score(TRUTH, labels) >= 0.99


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 5))
@settings(max_examples=10)
def test_clear_blobs_are_grouped_nearly_as_well_as_in_a_batch(seed: int, k: int, d: int) -> None:
    generator = np.random.default_rng(seed)
    places = 12.0 * np.column_stack([generator.permutation(k) for _ in range(d)])
    points = places[generator.integers(0, k, 400)] + generator.normal(0, 1, (400, d))
    inertia, _ = judged(points, centres(learnt(points, n_clusters=k, sample=100)))
    assert inertia <= 1.05 * batch(points, k)


def drifting(n: int) -> Points:
    """Return points of two clusters that move away from each other."""
    generator = np.random.default_rng(1)
    return generator.normal(0, 1, (n, 3)) + np.linspace(0, 12, n)[:, None] * generator.integers(0, 2, (n, 1))


def test_inertia_is_that_of_the_assignment_that_was_made() -> None:
    points = drifting(900)
    model = learnt(points, n_clusters=2, halflife=None)  # all points are in the sample, so their segments are known
    rows = np.array([model._observed.rows[number + 1] for number in range(900)])
    means = np.array([points[rows == row].mean(axis=0) for row in range(2)])
    assert model.version > 1
    assert model.inertia_ == pytest.approx(float(((points - means[rows]) ** 2).sum()), rel=1e-3)
    assert np.sort(centres(model), axis=0) == pytest.approx(np.sort(means, axis=0), abs=0.001)


def test_points_that_are_not_kept_stay_counted_through_refits() -> None:
    points = drifting(900)
    model = learnt(points, n_clusters=2, sample=60, halflife=None)
    assert model.version > 1
    sizes, means = np.array(list(model.sizes.values())), centres(model)
    assert sizes.sum() == 900
    assert sizes @ means == pytest.approx(points.sum(axis=0), rel=1e-3)
    # J = Σ x² - Σ_k W_k |c_k|², whatever the assignment was.
    assert model.inertia_ == pytest.approx(float((points**2).sum() - (sizes @ means**2).sum()), rel=1e-3)


def test_inertia_is_scikit_learns_for_the_same_assignment_where_nothing_is_rounded() -> None:
    # The deviation is 1024, so a vector unit is 1.
    points = np.array([[x, y] for x in (-1024.0, 1024.0) for y in (-512.0, 512.0)] * 30)
    model = learnt(points, n_clusters=2, halflife=None)
    own = KMeans(2, init=centres(model), n_init=1).fit(points)
    assert model.inertia_ == float(own.inertia_) == 120 * 512**2


def test_no_point_is_lost_in_the_warm_up() -> None:
    model = learnt(BLOBS[:39], n_clusters=4, halflife=None)
    assert (model.version, model.centers, model.sizes, model.inertia_) == (0, {}, {}, 0.0)
    assert model.predict_one({0: 1.0, 1: 1.0}) == 0
    model.learn_one(dict(enumerate(BLOBS[39].tolist())))
    assert (model.version, sum(model.sizes.values())) == (1, 40)
    assert model.inertia_ == pytest.approx(batch(BLOBS[:40], 4), rel=1e-2)


def test_points_are_predicted_in_the_cluster_whose_centre_is_nearest() -> None:
    model = learnt(BLOBS, n_clusters=4)
    _, labels = judged(BLOBS, centres(model))
    assert [model.predict_one(dict(enumerate(point))) for point in BLOBS.tolist()] == labels.tolist()


def test_many_points_at_once_are_learnt_and_predicted_nearly_as_one_by_one() -> None:
    frame = pd.DataFrame(BLOBS, columns=["x", "y"], index=np.arange(1000) + 7)
    many, one = (OnlineKMeans(4, sample=100, halflife=None) for _ in range(2))
    assert many.predict_many(frame).tolist() == [0] * 1000
    for begin in range(0, 1000, 170):
        many.learn_many(frame.iloc[begin : begin + 170])
    for x in frame.to_dict("records"):
        one.learn_one(x)
    assert (many.n_points, many.version, many.sizes) == (1000, one.version, one.sizes)
    assert many.centers == one.centers  # blobs are so clear that centres that lag change no assignment
    assert many.inertia_ == one.inertia_
    predicted = many.predict_many(frame)
    assert predicted.index.equals(frame.index)
    assert predicted.tolist() == [one.predict_one(x) for x in frame.to_dict("records")]


def test_a_new_feature_was_0_in_all_points_before() -> None:
    late, early = (OnlineKMeans(4, sample=100, halflife=None) for _ in range(2))
    for number, (x, y) in enumerate(BLOBS.tolist()):
        more = {"z": 5.0} if number > 300 else {}
        late.learn_one({"x": x, "y": y} | more)
        early.learn_one({"x": x, "y": y, "z": 0.0} | more)
    assert late.centers[0].keys() == {"x", "y", "z"}
    assert sorted(late.sizes.values()) == sorted(early.sizes.values())
    z = sum(late.sizes[one] * late.centers[one]["z"] for one in late.centers)
    assert z == pytest.approx(699 * 5.0, rel=1e-3)
    assert late.inertia_ == pytest.approx(early.inertia_, rel=1e-3)


def test_a_cluster_keeps_its_number_through_refits_and_one_that_is_born_gets_the_free_one() -> None:
    generator = np.random.default_rng(0)
    first = generator.choice([0.0, 3.0, 40.0], 30, p=[0.4, 0.4, 0.2]) + generator.normal(0, 0.3, 30)
    model = learnt(first[:, None], n_clusters=3)
    low, high, far = (model.predict_one({0: place}) for place in (0.0, 3.0, 40.0))
    assert (low, high, far) == (1, 0, 2)  # by size
    # A place further off fills, and fewer are there than stay at the far one; the two near ones are better as one.
    for x in generator.choice([0.0, 3.0, 40.0, 80.0], 300, p=[0.35, 0.35, 0.2, 0.1]) + generator.normal(0, 0.3, 300):
        model.learn_one({0: float(x)})
    assert model.version >= 2
    assert [model.predict_one({0: place}) for place in (1.5, 80.0, 40.0)] == [high, low, far]


def test_fewer_places_than_clusters_make_fewer_clusters_until_there_are_more() -> None:
    model = learnt(np.repeat([[1.0], [5.0]], 15, axis=0), n_clusters=3)
    assert len(model.centers) == 2
    for _ in range(30):
        model.learn_one({0: 9.0})
    assert sorted(centre[0] for centre in model.centers.values()) == pytest.approx([1.0, 5.0, 9.0], abs=0.01)


@pytest.mark.parametrize("x", [{}, {"x": 3.0}])
def test_points_that_are_all_alike_are_one_cluster(x: dict[str, float]) -> None:
    model = OnlineKMeans(3, halflife=None)
    for _ in range(100):
        model.learn_one(x)
    assert (model.centers, model.sizes, model.inertia_, model.predict_one(x)) == ({0: x}, {0: 100}, 0.0, 0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -2e100, "red", None, 1j])
@pytest.mark.parametrize("before", [0, 100])
def test_a_point_that_is_no_finite_numbers_is_refused_and_changes_nothing(bad: Any, before: int) -> None:
    model = learnt(BLOBS[:before], n_clusters=4)
    state = pickle.dumps(model)
    frame = pd.DataFrame([{0: 1.0, 1: 0.0}, {0: bad, 1: 0.0}], dtype=object)
    for call in (model.learn_one, model.predict_one):
        with pytest.raises(ValueError, match="finite numbers"):
            call({0: bad, 1: 0.0, "new": 1.0})
    for many in (model.learn_many, model.predict_many):
        with pytest.raises(ValueError, match="finite numbers"):
            many(frame)
    assert pickle.dumps(model) == state


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_clusters": 0},
        {"n_clusters": 11, "sample": 10},
        {"n_clusters": "4"},
        {"n_clusters": 2.5},
        {"sample": None},
        {"starts": 0},
        {"starts": 1.0},
        {"refit_gain": 1.0},
        {"refit_gain": float("nan")},
        {"refit_gain": "some"},
        {"seed": -1},
        {"seed": 2**32},
        {"seed": "lucky"},
        {"halflife": 0.5},
        {"halflife": 0},
        {"halflife": float("nan")},
        {"halflife": float("inf")},
        {"halflife": "90d"},
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OnlineKMeans(**wrong)


def moving(n: int, seed: int = 0) -> Points:
    """Return points of two clusters that jump to other places after the first half."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, 2 * n)
    places = np.where(np.arange(2 * n)[:, None] < n, PLACES[0][labels], PLACES[1][labels])
    points: Points = places + generator.normal(0, 0.5, (2 * n, 2))
    return points


PLACES = np.array([[[0.0, 0.0], [5.0, 5.0]], [[20.0, -10.0], [24.0, -14.0]]])


@pytest.mark.parametrize("one_by_one", [True, False])
def test_centres_follow_clusters_that_moved(one_by_one: bool) -> None:
    points = moving(20_000)
    forgets, remembers = OnlineKMeans(2), OnlineKMeans(2, halflife=None)
    for model in (forgets, remembers) if not one_by_one else (forgets,):
        if one_by_one:
            for point in points.tolist():
                model.learn_one(dict(enumerate(point)))
        else:
            for begin in range(0, len(points), 1000):
                model.learn_many(points[begin : begin + 1000])
    assert np.sort(centres(forgets), axis=0) == pytest.approx(np.sort(PLACES[1], axis=0), abs=0.1)
    inertia, _ = judged(points[-4000:], centres(forgets))
    assert inertia <= 1.01 * batch(points[-4000:], 2)
    if not one_by_one:
        assert judged(points[-4000:], centres(remembers))[0] > 5 * inertia


def test_a_point_counts_half_after_each_half_life() -> None:
    points = np.random.default_rng(0).normal(0, 1, (1500, 2)) + np.linspace(0, 5, 1500)[:, None]
    model = learnt(points, n_clusters=1, halflife=200, sample=50)
    weights = 0.5 ** (np.arange(1499, -1, -1) / 200)
    mean = weights @ points / weights.sum()
    assert model.sizes[0] == pytest.approx(weights.sum())
    assert centres(model)[0] == pytest.approx(mean, abs=2e-3)
    assert model.inertia_ == pytest.approx(weights @ ((points - mean) ** 2).sum(axis=1), rel=1e-2)


@pytest.mark.parametrize("halflife", [1, 7.5, 1000])
def test_however_short_the_half_life_no_weight_grows_beyond_all_bounds(halflife: float) -> None:
    model = learnt(np.tile(BLOBS, (3, 1)), n_clusters=4, sample=100, halflife=halflife)
    assert np.isfinite(centres(model)).all()
    assert sum(model.sizes.values()) == pytest.approx(1 / (1 - 0.5 ** (1 / halflife)), rel=0.2)
    assert 0 <= model.inertia_ < np.inf


def test_a_point_is_kept_as_often_as_it_counts() -> None:
    ages = []
    for start in range(40):
        observed = Observations(100, halflife=500)
        observed.n = observed.planned = start * 5000
        while observed.n < (start + 1) * 5000:
            observed.plan((start + 1) * 5000)
            for number in range(observed.n + 1, observed.planned + 1):
                if observed.kept(number):
                    observed.points[number] = {}
            observed.n = observed.planned
        observed.age()
        assert len(observed.points) == 100
        ages += [observed.n - number for number in observed.points]
    # Of 4,000 from an exponential law with half-life 500, within 3 errors.
    assert np.mean(ages) == pytest.approx(500 / np.log(2), rel=0.05)
    assert np.mean(np.array(ages) < 500) == pytest.approx(0.5, abs=0.03)


def test_arrays_are_learnt_and_predicted_as_frames_are() -> None:
    arrays, frames = OnlineKMeans(4, sample=100), OnlineKMeans(4, sample=100)
    arrays.learn_many(BLOBS)
    frames.learn_many(pd.DataFrame(BLOBS))
    assert arrays.centers == frames.centers
    assert arrays.predict_many(BLOBS.tolist()).tolist() == frames.predict_many(pd.DataFrame(BLOBS)).tolist()
    for wrong in ([1.0, 2.0], 3.0, [[[1.0]]]):
        with pytest.raises(ValueError, match="shape"):
            arrays.learn_many(wrong)


@pytest.mark.filterwarnings("error")
def test_single_precision_is_learnt_without_a_warning() -> None:
    single, model = BLOBS.astype(np.float32), OnlineKMeans(4, sample=100)
    for x, y in single[:500]:
        model.learn_one({0: x, 1: y})
    model.learn_many(single[500:])
    model.learn_many(pd.DataFrame(single))
    assert len({model.predict_one({0: x, 1: y}) for x, y in single}) == 4


def test_it_is_listed_among_the_names_of_the_package() -> None:
    assert set(crm_online.__all__) <= set(dir(crm_online))


def test_it_works_behind_a_scaler() -> None:
    points = BLOBS * [1.0, 1000.0]
    model = StandardScaler() | OnlineKMeans(4)
    for point in points.tolist():
        model.learn_one(dict(enumerate(point)))
    labels = [model.predict_one(dict(enumerate(point))) for point in points.tolist()]
    assert adjusted_rand_score(TRUTH, labels) == 1


def test_copies_go_on_as_the_original_would() -> None:
    model = learnt(BLOBS[:150], n_clusters=4, sample=50)
    copies = [model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for one in copies:
        for point in BLOBS[150:].tolist():
            one.learn_one(dict(enumerate(point)))
    assert len({pickle.dumps((one.centers, one.inertia_, one.version)) for one in copies}) == 1
    assert model.clone().n_points == 0


def test_at_most_the_sample_is_kept() -> None:
    model = learnt(np.random.default_rng(0).normal(0, 1, (3000, 2)), n_clusters=2, sample=50)
    assert len(model._observed.points) <= 50
    assert model._observed.points.keys() == model._observed.rows.keys()


RUN = """
import random
from crm_online import OnlineKMeans
points, model = random.Random(7), OnlineKMeans(3, sample=100)
for number in range(500):
    x = {name: points.gauss(0, 1) for name in ("a", "bb", "c", 4, "e")[: 3 + number // 200]}
    names = list(x)
    random.shuffle(names)
    model.learn_one({name: x[name] for name in names})
print(model.inertia_, [sorted(centre.items(), key=str) for centre in model.centers.values()], model.version)
"""


def test_results_do_not_depend_on_the_hash_seed_nor_on_the_order_of_features(root: Path) -> None:
    printed = set()
    for seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
        printed.add(done.stdout)
    assert len(printed) == 1


def test_features_are_put_in_one_order_whatever_their_types() -> None:
    assert in_order({"b", 10, "a", 2, ("a", 1)}) == [2, 10, "a", "b", ("a", 1)]


def rivers_checks() -> list[Callable[[base.Estimator], None]]:
    """Return all checks of river; it has no data for clusterers, so they get those of its classifiers."""
    with pytest.MonkeyPatch.context() as patched:
        if hasattr(checks.common, "_learn"):  # older checks of this kind know no model that learns without labels
            patched.setattr(checks, "_yield_datasets", lambda *_, **__: iter([list(datasets.Phishing().take(300))]))
        return list(checks.yield_checks(OnlineKMeans()))


@pytest.mark.parametrize("check", rivers_checks(), ids=lambda check: check.__name__)
@pytest.mark.parametrize("parameters", [{}, {"n_clusters": 3, "sample": 40}], ids=["as it is", "small"])
def test_river_finds_nothing_wrong(check: Callable[[base.Estimator], None], parameters: dict[str, int]) -> None:
    check(OnlineKMeans(**parameters))
