"""The trees of segments and of customers equal scipy's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_monotonic, is_valid_linkage, linkage
from scipy.spatial.distance import cdist

from crm_online.segments.frames import distances_frame, merges_frame
from crm_online.segments.hierarchy import MOST_CUSTOMERS, Hierarchy, distance_matrix, join, of_customers
from crm_online.segments.linkage import Linkage
from crm_online.segments.vectors import RESOLUTION

CENTROIDS = np.random.default_rng(0).normal(0, 3000, (6, 4))
IDS = ["s1", "s2", "s4", "s5", "s7", "s9"]
every_method = pytest.mark.parametrize("method", list(Linkage))


@every_method
def test_with_one_customer_each_it_is_scipys_own_linkage(method: Linkage) -> None:
    tree = join(IDS, CENTROIDS, np.ones(6, np.int64), method)
    assert np.array(tree["linkage"]) == pytest.approx(linkage(CENTROIDS / RESOLUTION, method.value))
    assert tree["leaves"] == IDS
    assert tree["method"] == method.value


@every_method
def test_sizes_weigh_as_that_many_customers_at_the_centroid(method: Linkage) -> None:
    sizes = np.array([5, 1, 3, 2, 7, 1])
    tree = join(IDS, CENTROIDS, sizes, method)
    truth = linkage(np.repeat(CENTROIDS, sizes, axis=0) / RESOLUTION, method.value)[-5:]
    assert [row[2] for row in tree["linkage"]] == pytest.approx(truth[:, 2])
    assert [row[3] for row in tree["linkage"]] == truth[:, 3].tolist()


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=9),
    method=st.sampled_from(list(Linkage)),
)
def test_any_sizes_do(seed: int, sizes: list[int], method: Linkage) -> None:
    centroids = np.random.default_rng(seed).normal(0, 3000, (len(sizes), 3))
    steps = np.array(join([f"s{number}" for number in sizes], centroids, np.array(sizes), method)["linkage"])
    truth = linkage(np.repeat(centroids, sizes, axis=0) / RESOLUTION, method.value)[1 - len(sizes) :]
    assert steps[:, 2:] == pytest.approx(truth[:, 2:])
    steps[:, 3] = _leaves_under(steps)
    assert is_valid_linkage(steps)
    assert is_monotonic(steps)


def test_wards_distance_is_the_root_of_twice_what_a_join_adds_to_j() -> None:
    tree = join(["s1", "s2"], np.array([[0.0], [3.0 * RESOLUTION]]), np.array([2, 4]), Linkage.WARD)
    everybody = np.array([0.0, 0, 3, 3, 3, 3])
    assert tree["linkage"][0][2] == pytest.approx(np.sqrt(2 * ((everybody - everybody.mean()) ** 2).sum()))


def test_segments_without_members_take_no_part() -> None:
    tree = join(["s1", "s2", "s3"], np.array([[0.0], [np.nan], [1024.0]]), np.array([2, 0, 1]))
    assert tree == Hierarchy(linkage=[[0, 1, 1.0, 3]], leaves=["s1", "s3"], method="average")


def test_a_single_segment_or_none_makes_no_join() -> None:
    assert join(["s1"], np.zeros((1, 2)), np.array([3]))["linkage"] == []
    assert join([], np.zeros((0, 2)), np.zeros(0, np.int64))["leaves"] == []


@every_method
def test_the_tree_of_customers_is_scipys(method: Linkage) -> None:
    vectors = np.random.default_rng(1).integers(-3000, 3000, (40, 3)).astype(np.int16)
    ids = [f"customer {number}" for number in range(40)]
    tree = of_customers(ids, vectors, method)
    assert np.array(tree["linkage"]) == pytest.approx(linkage(vectors / RESOLUTION, method.value), abs=0)
    assert (tree["leaves"], tree["method"]) == (ids, method.value)


def test_one_customer_or_none_makes_no_join_and_too_many_are_refused() -> None:
    assert of_customers(["ann"], np.zeros((1, 2)))["linkage"] == []
    assert of_customers([], np.zeros((0, 2)))["leaves"] == []
    with pytest.raises(ValueError, match="more than 4,096"):
        of_customers([str(number) for number in range(MOST_CUSTOMERS + 1)], np.zeros((MOST_CUSTOMERS + 1, 1)))
    with pytest.raises(ValueError, match="2 ids for 1 vectors"):
        of_customers(["ann", "bob"], np.zeros((1, 1)))


def test_the_distance_matrix_is_square_symmetric_and_zero_on_the_diagonal() -> None:
    matrix = distance_matrix(CENTROIDS)
    assert matrix == pytest.approx(cdist(CENTROIDS, CENTROIDS) / RESOLUTION)
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 0).all()
    assert [distance_matrix(CENTROIDS[:count]).shape for count in (0, 1, 2)] == [(0, 0), (1, 1), (2, 2)]


def test_the_frame_of_distances_is_read_by_id() -> None:
    frame = distances_frame(IDS, CENTROIDS)
    truth = np.sqrt(((CENTROIDS[1] - CENTROIDS[4]) ** 2).sum()) / RESOLUTION
    assert frame.loc["s2", "s7"] == pytest.approx(truth)
    assert frame.index.tolist() == frame.columns.tolist() == IDS


def test_the_frame_of_merges_names_what_is_joined() -> None:
    tree = join(["s1", "s2", "s4"], np.array([[0.0], [9000.0], [1024.0]]), np.array([1, 5, 3]))
    frame = merges_frame(tree, {"s1": "New customers", "s2": "Big spenders", "s4": "Lapsed customers"})
    assert frame.columns.tolist() == ["left", "right", "left_name", "right_name", "distance", "customers"]
    assert frame["left_name"].tolist() == ["New customers", "Big spenders"]
    assert frame["right_name"].tolist() == ["Lapsed customers", "step 0"]
    assert frame["customers"].tolist() == [4, 9]
    assert frame["distance"].tolist() == [step[2] for step in tree["linkage"]]


def test_the_frame_of_no_merges_has_the_same_columns() -> None:
    frame = merges_frame(join(["s1"], np.zeros((1, 2)), np.array([3])))
    assert len(frame) == 0
    text = str(pd.Series(["s1"]).dtype)  # that of pandas 2 has another name
    assert [str(kind) for kind in frame.dtypes] == ["int64", "int64", text, text, "float64", "int64"]


def _leaves_under(steps: np.ndarray) -> list[int]:
    """Return how many segments each join holds: what scipy's check takes a linkage's last column for."""
    count = [1] * (len(steps) + 1)
    for step in steps:
        count.append(count[int(step[0])] + count[int(step[1])])
    return count[len(steps) + 1 :]
