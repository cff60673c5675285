"""Exact sums: whatever the order, they equal those of the members that are there."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.segments.sums import ABSENT, SegmentSums
from crm_online.segments.vectors import RESOLUTION

K, D = 3, 2


@dataclass(frozen=True)
class Batch:
    """Customers and what they become; customers do not come twice in one batch."""

    customers: NDArray[np.int64]
    vectors: NDArray[np.int16]
    labels: NDArray[np.int64]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    customers = draw(st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True))
    n = len(customers)
    vectors = draw(arrays(np.int16, (n, D), elements=st.integers(-32767, 32767)))
    labels = draw(arrays(np.int64, n, elements=st.integers(ABSENT, K - 1)))
    return Batch(np.array(customers), vectors, labels)


def of(vectors: NDArray[np.int16], labels: NDArray[np.int64], k: int = K) -> SegmentSums:
    return SegmentSums.empty(k, vectors.shape[1]).move(None, None, vectors, labels)


def brute_inertia(vectors: NDArray[np.int16], labels: NDArray[np.int64]) -> Fraction:
    """Return J as the sum of squared distances to the means, in fractions."""
    total = Fraction(0)
    for label in set(labels.tolist()) - {ABSENT}:
        members = vectors[labels == label].tolist()
        for feature in zip(*members, strict=True):
            mean = Fraction(sum(feature), len(members))
            total += sum(((x - mean) ** 2 for x in feature), Fraction(0))
    return total / RESOLUTION**2


@given(st.lists(batches(), max_size=8))
def test_after_any_moves_the_sums_are_those_of_the_members(changes: list[Batch]) -> None:
    vectors, labels = np.zeros((10, D), np.int16), np.full(10, ABSENT)
    sums = SegmentSums.empty(K, D)
    for change in changes:
        sums = sums.move(vectors[change.customers], labels[change.customers], change.vectors, change.labels)
        vectors[change.customers], labels[change.customers] = change.vectors, change.labels
    assert sums == of(vectors, labels)
    assert [sums.W[k] for k in range(K)] == [int((labels == k).sum()) for k in range(K)]


@given(batches(), arrays(np.int16, D, elements=st.integers(-32767, 32767)), st.integers(0, K - 1))
def test_one_that_enters_is_a_batch_of_one(batch: Batch, vector: NDArray[np.int16], label: int) -> None:
    before = of(batch.vectors, batch.labels)
    kept = before.to_bytes()
    assert before.enter(vector, label) == before.move(None, None, vector[None], np.array([label]))
    assert before.to_bytes() == kept


@given(batches(), st.lists(st.integers(0, 4), min_size=K, max_size=K))
def test_segments_that_are_regrouped_have_the_members_of_their_parts(batch: Batch, labels: list[int]) -> None:
    regrouped = of(batch.vectors, batch.labels).regrouped(np.array(labels), 5)
    here = batch.labels != ABSENT
    assert regrouped == of(batch.vectors[here], np.array(labels)[batch.labels[here]], 5)


@given(st.lists(batches(), min_size=2, max_size=6))
def test_partitions_merge_by_adding_in_any_order(parts: list[Batch]) -> None:
    sums = [of(part.vectors, part.labels) for part in parts]
    whole = of(np.concatenate([part.vectors for part in parts]), np.concatenate([part.labels for part in parts]))
    assert sum(sums, SegmentSums.empty(K, D)) == whole
    assert sum(reversed(sums), SegmentSums.empty(K, D)) == whole


@given(batches())
def test_inertia_is_the_sum_of_squared_distances_to_the_means(batch: Batch) -> None:
    sums = of(batch.vectors, batch.labels)
    truth = float(brute_inertia(batch.vectors, batch.labels))
    assert sums.inertia() == pytest.approx(truth, rel=1e-12, abs=0)
    assert sums.inertias().sum() == pytest.approx(truth, rel=1e-12)
    assert sums.shares().sum() == pytest.approx(1 if truth else 0)


def test_inertia_is_exact_far_from_the_origin_where_int64_and_floats_are_not() -> None:
    vectors = np.full((300_000, D), 32766, np.int16)
    vectors[0] = 32767
    sums = of(vectors, np.zeros(300_000, np.int64))
    truth = float(D * (1 - Fraction(1, 300_000)) / RESOLUTION**2)
    assert sums.inertia() == pytest.approx(truth, rel=1e-15)


def test_many_million_customers_do_not_overflow() -> None:
    vectors = np.full((1000, 1), 32767, np.int16)
    part = of(vectors, np.zeros(1000, np.int64), k=1)
    sums = SegmentSums(part.W * 10**6, part.S * 10**6, part.Q * 10**6)
    assert int(sums.Q[0, 0]) == 32767**2 * 10**9
    assert (sums.inertia(), sums.variances().tolist()) == (0.0, [[0.0]])


def test_figures_equal_numpys() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(0, 3000, (500, 4)).astype(np.int16)
    labels = generator.integers(0, K, 500)
    sums = of(vectors, labels)
    for k in range(K):
        members = vectors[labels == k] / RESOLUTION
        assert sums.centroids()[k] / RESOLUTION == pytest.approx(members.mean(axis=0), rel=1e-12)
        assert sums.variances()[k] == pytest.approx(members.var(axis=0), rel=1e-12)
    assert sums.squares() == pytest.approx(((vectors / RESOLUTION) ** 2).sum())


def test_a_segment_without_members_has_no_centroid_and_no_inertia() -> None:
    sums = of(np.array([[5, 5]], np.int16), np.array([1]))
    assert np.isnan(sums.centroids()[[0, 2]]).all()
    assert np.isnan(sums.variances()[[0, 2]]).all()
    assert sums.shares().tolist() == [0.0, 0.0, 0.0]


def test_moving_leaves_the_sums_before_as_they_were() -> None:
    before = of(np.array([[5, 5]], np.int16), np.array([1]))
    kept = before.to_bytes()
    before.move(None, None, np.array([[1, 2]], np.int16), np.array([0]))
    assert before.to_bytes() == kept


@given(batches())
def test_sums_come_back_from_bytes(batch: Batch) -> None:
    sums = of(batch.vectors, batch.labels)
    assert SegmentSums.from_bytes(sums.to_bytes()) == sums


def test_bytes_that_no_version_wrote_are_corrupt_and_newer_ones_too_new() -> None:
    data = of(np.array([[5, 5]], np.int16), np.array([1])).to_bytes()
    for bad in (b"", b"SU", b"XX" + data[2:], data[:-1], data + b"\0", data[:2] + b"\0" + data[3:]):
        with pytest.raises(StateCorrupt):
            SegmentSums.from_bytes(bad)
    with pytest.raises(StateTooNew):
        SegmentSums.from_bytes(data[:2] + b"\x63" + data[3:])


def test_sums_that_no_customers_have_are_corrupt() -> None:
    good = of(np.array([[5, 5], [7, 7]], np.int16), np.array([1, 1]))
    for bad in (
        SegmentSums(-good.W, good.S, good.Q),
        SegmentSums(good.W, good.S * 9, good.Q),
        SegmentSums(good.W, good.S, -good.Q),
    ):
        with pytest.raises(StateCorrupt):
            SegmentSums.from_bytes(bad.to_bytes())
