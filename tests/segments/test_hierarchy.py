"""The tree of segments equals scipy's over the customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage

from crm_online.segments.hierarchy import Hierarchy, join
from crm_online.segments.vectors import RESOLUTION

CENTROIDS = np.random.default_rng(0).normal(0, 3000, (6, 4))
IDS = ["s1", "s2", "s4", "s5", "s7", "s9"]


def test_with_one_customer_each_it_is_scipys_average_linkage() -> None:
    tree = join(IDS, CENTROIDS, np.ones(6, np.int64))
    truth = linkage(CENTROIDS / RESOLUTION, "average")
    assert np.array(tree["linkage"]) == pytest.approx(truth)
    assert tree["leaves"] == IDS


def test_sizes_weigh_as_that_many_customers_at_the_centroid() -> None:
    sizes = np.array([5, 1, 3, 2, 7, 1])
    tree = join(IDS, CENTROIDS, sizes)
    truth = linkage(np.repeat(CENTROIDS, sizes, axis=0) / RESOLUTION, "average")[-5:]
    assert [row[2] for row in tree["linkage"]] == pytest.approx(truth[:, 2])
    assert [row[3] for row in tree["linkage"]] == truth[:, 3].tolist()


def test_segments_without_members_take_no_part() -> None:
    tree = join(["s1", "s2", "s3"], np.array([[0.0], [np.nan], [1024.0]]), np.array([2, 0, 1]))
    assert tree == Hierarchy(linkage=[[0, 1, 1.0, 3]], leaves=["s1", "s3"])


def test_a_single_segment_or_none_makes_no_join() -> None:
    assert join(["s1"], np.zeros((1, 2)), np.array([3])) == Hierarchy(linkage=[], leaves=["s1"])
    assert join([], np.zeros((0, 2)), np.zeros(0, np.int64)) == Hierarchy(linkage=[], leaves=[])
