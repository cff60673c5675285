"""Versions of the model: when a refit is adopted, and which segments keep their ids."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.segments import kmeans
from crm_online.segments.kmeans import distances, inertia, nearest, refined
from crm_online.segments.model import GAIN, Model, first_fit, heirs, match, translate, translate_sums
from crm_online.segments.refits import ScaledSample, Search, refit
from crm_online.segments.reported import DIED, is_nearer_by
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.segments.vectors import RESOLUTION, Scale, Transform

NAMES = ["x", "y"]
TRANSFORMS = [Transform.IDENTITY, Transform.IDENTITY]
PLACES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [12.0, 12.0]])


def customers(places: NDArray[np.float64], sizes: list[int], seed: int = 0) -> NDArray[np.float64]:
    """Return customers about some places, so many about each."""
    return np.repeat(places, sizes, axis=0) + np.random.default_rng(seed).normal(0, 0.5, (sum(sizes), 2))


def fitted(raw: NDArray[np.float64], k: int) -> Model:
    return first_fit(raw, Scale.fit(raw, NAMES, TRANSFORMS, [1.0, 1.0]), k, as_of=1000)


def refitted(
    model: Model,
    raw: NDArray[np.float64],
    k: int,
    *,
    current: NDArray[np.float64],
    as_of: int = 2000,
    gain: float = GAIN,
) -> Model | None:
    return refit(model, current, ScaledSample(raw, model.scale.refitted(raw), as_of), k, Search(gain))


def natural(model: Model) -> dict[str, list[float]]:
    """Return each segment's centre by id, in whole natural units."""
    return dict(zip(model.ids, model.scale.decode(model.centres()).round().tolist(), strict=True))


def test_ids_of_the_first_fit_go_by_size() -> None:
    model = fitted(customers(PLACES, [100, 400, 200, 300]), 4)
    assert (model.version, model.parent, model.numbered, model.k) == (1, None, 4, 4)
    assert list(natural(model)) == ["s1", "s2", "s3", "s4"]
    assert natural(model) == {"s1": [10, 0], "s2": [12, 12], "s3": [0, 10], "s4": [0, 0]}


def test_there_are_no_more_segments_than_distinct_customers() -> None:
    model = fitted(np.repeat(PLACES[:2], 50, axis=0), 6)
    assert model.ids == ("s1", "s2")


def test_the_same_customers_do_not_make_a_new_version() -> None:
    raw = customers(PLACES, [100, 400, 200, 300])
    model = fitted(raw, 4)
    assert refitted(model, raw, 4, current=model.centres(), as_of=2000) is None
    assert refitted(model, customers(PLACES, [100, 400, 200, 300], seed=5), 4, current=model.centres(), as_of=2) is None


def test_ids_follow_segments_that_drift_however_the_new_fit_orders_them() -> None:
    model = fitted(customers(PLACES, [100, 400, 200, 300]), 4)
    assert natural(model) == {"s1": [10, 0], "s2": [12, 12], "s3": [0, 10], "s4": [0, 0]}
    drifted = PLACES + np.array([[1.0, -1.0], [-1.0, 2.0], [1.0, 1.0], [-1.0, 0.0]])
    # Centres that lag behind, so that the group at (9, 2) is nearer to the wrong one.
    current = model.scale.encode(np.array([[9.0, -3.5], [11.0, 7.0], [1.0, 11.0], [1.0, -1.0]])).astype(np.float64)
    successor = refitted(model, customers(drifted, [400, 100, 300, 200]), 4, current=current, as_of=2000)
    assert successor is not None
    assert (successor.version, successor.parent, successor.as_of, successor.numbered) == (2, 1, 2000, 4)
    assert natural(successor) == {"s1": [9, 2], "s2": [11, 12], "s3": [1, 11], "s4": [1, -1]}


def test_a_scale_that_has_aged_is_taken_anew_and_a_partition_that_only_it_shows_to_be_bad_is_left() -> None:
    square = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    model = fitted(customers(square, [200, 200, 200, 200]), 2)
    # Now x spreads more widely. The new scale evens that out, and either way to halve the square is as good again.
    wider = customers(square * [1.4, 1.0], [200, 200, 200, 200])
    along_x, along_y = np.array([[7.0, 0.0], [7.0, 10.0]]), np.array([[0.0, 5.0], [14.0, 5.0]])
    for centres in (along_x, along_y):
        successor = refitted(model, wider, 2, current=model.scale.encode(centres).astype(np.float64), as_of=2000)
        assert successor is not None
        assert successor.ids == model.ids
        assert successor.scale.stds[0] == pytest.approx(1.4 * model.scale.stds[0], rel=0.01)


def test_a_scale_whose_bounds_all_customers_have_grown_beyond_is_taken_anew_and_nobody_moves() -> None:
    random = np.random.default_rng(1)
    raw = np.column_stack([random.uniform(200, 230, 900), random.uniform(0, 10, 900)])
    scale = Scale.fit(raw, ["tenure", "spending"], TRANSFORMS, [1.2, 1.0])
    model = first_fit(raw, scale, 2, as_of=1000)
    raw[:, 0] += 25  # nearly all are at the bound now; the scale of the sample weighs as the old one does
    current = model.centres() + np.array([25 * scale.units()[0], 0.0])
    assert scale.refitted(raw).units() == pytest.approx(scale.units())
    successor = refitted(model, raw, 2, current=current, as_of=2000)
    assert successor is not None
    assert successor.ids == model.ids
    assert moves(model, current, raw, successor) == 0


def test_a_refit_without_births_goes_no_further_than_it_must() -> None:
    raw = customers(np.array([[0.0, 0.0]]), [900])
    model = fitted(raw, 6)
    vectors = model.scale.encode(raw)
    settled = refined(vectors, model.centres())
    near = refined(vectors, settled * 1.25, rounds=0)  # means that lag, as where customers wait to be scored
    stretched = raw * [1.0, 1.3]  # the scale is to be taken anew
    assert 1.04 * inertia(vectors, settled) < inertia(vectors, near) < 1.08 * inertia(vectors, settled)
    successor = refitted(model, stretched, 6, current=near * [1.0, 1.3], gain=0.1)
    assert successor is not None
    assert successor.scale != model.scale
    assert moves(model, near * [1.0, 1.3], stretched, successor) == 0


def test_segments_live_on_where_fresh_starts_find_little_more() -> None:
    raw = customers(np.array([[0.0, 0.0]]), [900])  # a cloud: every start ends in another partition, as good as others
    model = fitted(raw, 6)
    turned = model.scale.encode(model.scale.decode(model.centres())[:, ::-1]).astype(np.float64)
    successor = refitted(model, raw, 6, current=turned, gain=0.1)
    assert successor is None or successor.ids == model.ids


def test_a_new_group_is_born_with_an_id_never_given_and_one_that_is_gone_dies() -> None:
    model = fitted(customers(PLACES[:3], [300, 200, 100]), 3)
    far = np.array([[0.0, 0.0], [10.0, 0.0], [60.0, 60.0]])
    second = refitted(model, customers(far, [300, 200, 100]), 3, current=model.centres(), as_of=2000)
    assert second is not None
    assert natural(second) == {"s1": [0, 0], "s2": [10, 0], "s4": [60, 60]}
    assert second.labels_of(model.ids).tolist() == [0, 1, DIED, DIED, ABSENT]
    third = refitted(second, customers(PLACES[:3], [300, 200, 100]), 3, current=second.centres(), as_of=3000)
    assert third is not None
    assert natural(third) == {"s1": [0, 0], "s2": [10, 0], "s5": [0, 10]}
    assert third.numbered == 5


def test_a_segment_that_is_split_lives_on_where_most_of_its_customers_are() -> None:
    raw = customers(
        np.array([[0.0, 0.0], [10.0, 0.0], [22.0, 0.0], [0.0, 40.0], [4.0, 40.0]]), [100, 500, 300, 100, 100]
    )
    vectors = (raw * 100).astype(np.int16)
    old = np.array([[0.0, 0.0], [1650.0, 0.0], [0.0, 4000.0], [400.0, 4000.0]])
    new = np.array([[0.0, 0.0], [1000.0, 0.0], [2200.0, 0.0], [200.0, 4000.0]])
    # By distance alone the old second one, whose centre is nearer to the 300, would leave the 500.
    pairs = heirs(old, new, nearest(vectors, old)[0], nearest(vectors, new)[0])
    assert pairs[:2] == [(0, 0), (1, 1)]
    assert match(old, new)[1] == (1, 2)
    assert len(pairs) == 3
    assert pairs[2][1] == 3


def moves(model: Model, old: NDArray[np.float64], raw: NDArray[np.float64], successor: Model) -> int:
    """Return how many customers are in another segment than before."""
    before = nearest(successor.scale.encode(raw), translate(old, model.scale, successor.scale))[0]
    after = nearest(successor.scale.encode(raw), successor.centres())[0]
    return sum(model.ids[one] != successor.ids[other] for one, other in zip(before, after, strict=True))


def test_lloyds_algorithm_stops_as_soon_as_j_is_what_is_asked() -> None:
    vectors = fitted(raw := customers(np.array([[0.0, 0.0]]), [900]), 6).scale.encode(raw)
    start = vectors[:6].astype(np.float64)
    whole = refined(vectors, start)
    goal = (inertia(vectors, start) + inertia(vectors, whole)) / 2
    soon = refined(vectors, start, goal=goal)
    assert inertia(vectors, whole) < inertia(vectors, soon) <= 1.001 * goal


def test_of_segments_that_may_be_given_up_those_with_few_customers_are() -> None:
    # To put the two large ones together saves most, to put the two small ones together nearly as much.
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 20.0], [3.5, 20.0]])
    model = fitted(customers(places, [400, 400, 50, 50]), 4)
    current = model.scale.encode(places).astype(np.float64)
    raw = customers(np.vstack([places, [[60.0, 60.0]]]), [400, 400, 50, 50, 60])
    scale = model.scale.refitted(raw)
    together = [np.array([[0.5, 0], [0, 20], [3.5, 20], [60, 60]]), np.array([[0.0, 0], [1, 0], [1.75, 20], [60, 60]])]
    least, most = (inertia(scale.encode(raw), scale.encode(one).astype(np.float64)) for one in together)
    assert least < most < 1.05 * least
    successor = refitted(model, raw, 4, current=current, gain=0.1)
    assert successor is not None
    assert moves(model, current, raw, successor) < 100


def test_a_refit_of_many_segments_costs_no_more_than_their_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = 0

    def count(columns: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        nonlocal computed
        computed += columns.shape[1] * len(centroids)
        return of_columns(columns, centroids)

    of_columns = kmeans._distances
    monkeypatch.setattr(kmeans, "_distances", count)
    costs = {}
    for k in (6, 24):
        # Places of which half are known, two centres for each: as many are to be given up.
        places = np.random.default_rng(1).uniform(0, 1000, (k, 2))
        raw = customers(places, [240 // k] * k)
        model = fitted(raw, k)
        known = np.repeat(places[: k // 2], 2, axis=0) + np.tile([[-0.1, 0.0], [0.1, 0.0]], (k // 2, 1))
        computed = 0
        successor = refitted(model, raw, k, current=model.scale.encode(known).astype(np.float64), gain=0.1)
        costs[k] = computed
        assert successor is not None
        vectors = successor.scale.encode(raw)
        batch = KMeans(k, n_init=10, random_state=0).fit(vectors / RESOLUTION).inertia_
        assert inertia(vectors, successor.centres()) < 1.1 * batch
    assert costs[24] < 1.5 * 4 * costs[6]


@pytest.mark.parametrize("forged", [1, 10])
@pytest.mark.parametrize("seed", range(2))
def test_a_hundredth_of_absurd_amounts_moves_less_than_a_hundredth_of_the_others(seed: int, forged: int) -> None:
    random = np.random.default_rng(seed)
    raw = np.column_stack([random.lognormal(mean, 1, 1000) for mean in (1, 3, 4, 2, 2, 4)])
    names = ["orders", "spending", "basket_value", "recency", "gap", "tenure"]
    transforms, weights = [Transform.LOG1P] * 6, [1.0] * 6
    model = first_fit(raw, Scale.fit(raw, names, transforms, weights), 6, as_of=1000)
    before = refined(model.scale.encode(raw), model.centres())
    labels, _ = nearest(model.scale.encode(raw), before)
    raw[:forged, 1:3] = 1e24
    vectors = model.scale.encode(raw)
    current = refined(vectors, before)
    later = refit(model, current, ScaledSample(raw, model.scale.refitted(raw), 2000), 6)
    now, centres = (later, later.centres()) if later else (model, current)
    away = distances(now.scale.encode(raw), centres)[forged:]
    to_reported = away[np.arange(len(away)), [now.ids.index(model.ids[label]) for label in labels[forged:]]]
    assert is_nearer_by(away.min(axis=1), to_reported, 0.1).mean() < 0.01


def test_labels_of_reported_customers_are_carried_by_indexing() -> None:
    model = fitted(customers(PLACES[:3], [300, 200, 100]), 3)
    second = refitted(
        model,
        customers(np.array([[0.0, 0.0], [10.0, 0.0], [60.0, 60.0]]), [300, 200, 100]),
        3,
        current=model.centres(),
        as_of=2000,
    )
    assert second is not None
    reported = np.array([2, 0, ABSENT, DIED, 1])
    assert second.labels_of(model.ids)[reported].tolist() == [DIED, 0, ABSENT, DIED, 1]


def test_more_segments_are_adopted_when_k_rises() -> None:
    raw = customers(PLACES, [100, 400, 200, 300])
    model = fitted(raw, 2)
    more = refitted(model, raw, 4, current=model.centres(), as_of=2000)
    assert more is not None
    assert more.k == 4
    assert len(set(more.ids)) == 4


@pytest.mark.parametrize(("beside", "adopted"), [(-0.005, True), (0.005, False)])
def test_a_refit_is_adopted_only_when_it_saves_its_share(beside: float, adopted: bool) -> None:
    raw = customers(PLACES, [100, 400, 200, 300])
    model = fitted(raw, 4)
    # One centre between two groups, two in another group: a local minimum that costs far more than half of J.
    start = model.scale.encode(np.array([[10.0, 0.4], [10.0, -0.4], [0.0, 5.0], [12.0, 12.0]])).astype(np.float64)
    current = refined(model.scale.encode(raw), start)
    labels, _ = nearest(model.scale.encode(raw), current)
    old = SegmentSums.empty(4, 2).move(None, None, model.scale.encode(raw), labels).inertia()
    new = KMeans(4, n_init=5, random_state=0).fit(model.scale.encode(raw) / RESOLUTION).inertia_
    saved = 1 - new / old
    assert saved > 0.5
    assert (refitted(model, raw, 4, current=current, as_of=2000, gain=saved + beside) is not None) == adopted


def test_a_feature_that_begins_to_vary_counts_from_the_next_version_on() -> None:
    raw = customers(PLACES, [100, 400, 200, 300])
    raw[:, 1] = 0.0
    model = fitted(raw, 2)
    assert model.scale.units()[1] == 0.0
    successor = refitted(model, customers(PLACES, [100, 400, 200, 300]), 4, current=model.centres(), as_of=2000)
    assert successor is not None
    assert successor.scale.units()[1] > 0


def test_translating_to_another_scale_keeps_natural_units() -> None:
    generator = np.random.default_rng(0)
    raws = [np.exp(generator.normal(mean, 1, (200, 2))) for mean in (0, 2)]
    old, new = (Scale.fit(raw, NAMES, [Transform.LOG1P, Transform.IDENTITY], [1.0, 2.0], [5.0, 1.0]) for raw in raws)
    centroids = generator.normal(0, 1000, (4, 2))
    assert new.decode(translate(centroids, old, new)) == pytest.approx(old.decode(centroids))


@given(st.integers(0, 999), st.floats(0.01, 100), st.floats(-50, 50))
def test_sums_in_another_scale_are_those_of_the_same_members(seed: int, stretch: float, shift: float) -> None:
    generator = np.random.default_rng(seed)
    raw = generator.normal(0, 1, (40, 2)) + 5 * generator.integers(0, 2, (40, 1))
    old, new = Scale.common(raw, NAMES), Scale.common(raw * stretch + shift, NAMES)
    labels = generator.integers(0, 3, 40)
    sums = SegmentSums.empty(4, 2).move(None, None, old.encode(raw), labels)
    moved = translate_sums(sums, old, new)
    assert moved.W.tolist() == sums.W.tolist()
    assert moved.S[:3] == pytest.approx((moved.W[:, None] * translate(sums.centroids(), old, new))[:3], abs=1e-6)
    in_old_units = moved.inertias() * (new.stds[0] / old.stds[0]) ** 2
    assert in_old_units == pytest.approx(sums.inertias(), rel=1e-6)


@given(st.permutations(range(5)), st.integers(0, 99))
def test_centroids_that_hardly_moved_are_matched_however_they_are_ordered(order: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    old = 5000.0 * np.eye(5) + generator.normal(0, 100, (5, 5))
    new = old[order] + generator.normal(0, 200, (5, 5))
    assert sorted(match(old, new)) == sorted((one, place) for place, one in enumerate(order))


def test_no_centroid_is_matched_twice_nor_across_the_gap_to_its_neighbour() -> None:
    old = np.array([[0.0], [1000.0]])
    assert match(old, np.array([[10.0], [20.0], [1000.0]])) == [(1, 2)]
    assert match(old, np.array([[1.0], [3000.0]])) == [(0, 0)]
    # Both have drifted the same way, and the first one's new place is the second one's nearest.
    assert match(old, np.array([[600.0], [1700.0]])) == [(0, 0), (1, 1)]
    assert match(np.array([[0.0]]), np.array([[9999.0]])) == [(0, 0)]


def test_empty_segments_stand_at_their_fitted_centres() -> None:
    model = fitted(customers(PLACES, [100, 400, 200, 300]), 4)
    current = model.current(np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 4.0], [5.0, 6.0]]))
    assert current[1].tolist() == list(model.fitted[1])
    assert current[0].tolist() == [1.0, 2.0]


def test_a_model_comes_back_from_json() -> None:
    raw = customers(PLACES, [100, 400, 200, 300])
    model = fitted(raw, 4)
    again = Model.from_json(model.to_json())
    assert again == model
    assert np.array_equal(again.scale.encode(raw), model.scale.encode(raw))


def test_json_that_is_no_model_is_corrupt_and_a_newer_one_too_new() -> None:
    good = json.loads(fitted(customers(PLACES, [9, 9, 9, 9]), 4).to_json())
    without = {key: value for key, value in good.items() if key != "ids"}
    scales = [
        good["scale"] | {name: [number] * 2} for name in ("means", "stds", "knees") for number in (math.inf, math.nan)
    ]
    wrong: list[dict[str, object]] = [{"ids": []}, {"fitted": [[1]]}, {"fitted": [[math.inf] * 2] * 4}]
    wrong += [{"as_of": math.inf}, *({"scale": scale} for scale in scales)]
    for bad in ("", "[]", json.dumps(without), *(json.dumps(good | one) for one in wrong)):
        with pytest.raises(StateCorrupt):
            Model.from_json(bad)
    with pytest.raises(StateTooNew):
        Model.from_json(json.dumps(good | {"format": 99}))
