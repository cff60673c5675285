"""Integer vectors: what is encoded comes back, rows do not depend on their batch, and bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.segments.vectors import LIMIT, RESOLUTION, Scale, Transform, scaled

LOG1P, IDENTITY = Transform.LOG1P, Transform.IDENTITY
NAMES = ["spending", "returned", "views"]
TRANSFORMS = [LOG1P, IDENTITY, LOG1P]
WEIGHTS = [1.0, 2.0, 0.5]

raws = st.integers(1, 40).flatmap(lambda n: arrays(np.float64, (n, 3), elements=st.floats(0, 1e6)))


@given(raw=raws)
def test_a_row_is_encoded_the_same_alone_and_in_any_batch(raw: NDArray[np.float64]) -> None:
    scale = Scale.fit(raw, NAMES, TRANSFORMS, WEIGHTS, [10.0, 1.0, 1.0])
    whole = scale.encode(raw)
    assert whole.dtype == np.int16
    assert np.array_equal(whole, np.concatenate([scale.encode(raw[row : row + 1]) for row in range(len(raw))]))
    assert np.array_equal(whole[::-1], scale.encode(raw[::-1]))
    assert np.array_equal(whole, scale.encode(np.asfortranarray(raw)))


@given(raw=raws)
def test_decoding_returns_natural_units_to_half_a_vector_unit(raw: NDArray[np.float64]) -> None:
    scale = Scale.fit(raw, NAMES, TRANSFORMS, WEIGHTS, [10.0, 1.0, 1.0])
    vectors = scale.encode(raw)
    assert np.abs(scale.encode(scale.decode(vectors.astype(np.float64))).astype(int) - vectors).max() <= 1


@given(raw=raws)
def test_a_scale_comes_back_from_json_to_the_last_bit(raw: NDArray[np.float64]) -> None:
    scale = Scale.fit(raw, NAMES, TRANSFORMS, WEIGHTS, [10.0, 1.0, 1.0])
    assert Scale.from_json(scale.to_json()) == scale


def test_vectors_are_standard_deviations_times_weight() -> None:
    raw = np.exp(np.random.default_rng(0).normal(0, 2, (5000, 3)))
    vectors = scaled(Scale.fit(raw, NAMES, [LOG1P, LOG1P, LOG1P], WEIGHTS).encode(raw))
    assert vectors.std(axis=0) == pytest.approx(WEIGHTS, rel=1e-3)
    assert np.abs(vectors.mean(axis=0)).max() < 1e-3


def test_a_feature_that_does_not_vary_counts_for_nothing_and_decodes_to_its_value() -> None:
    raw = np.column_stack([np.arange(5.0), np.full(5, 0.1), np.full(5, 1e6)])
    scale = Scale.fit(raw, NAMES, TRANSFORMS, WEIGHTS)
    assert scale.stds[1:] == (0.0, 0.0)
    assert not scale.encode(raw + np.array([0.0, 0.5, 3.0]))[:, 1:].any()
    assert scale.decode(np.zeros(3))[1:] == pytest.approx([0.1, 1e6])


def test_a_weight_of_zero_counts_for_nothing() -> None:
    raw = np.random.default_rng(1).random((10, 3))
    assert not Scale.fit(raw, NAMES, TRANSFORMS, [1.0, 0.0, 1.0]).encode(raw)[:, 1].any()


def test_a_feature_large_against_its_deviation_is_not_clipped() -> None:
    raw = np.column_stack([2_000_000 + np.arange(10.0)] * 3)
    vectors = Scale.fit(raw, NAMES, [IDENTITY] * 3, [1.0] * 3).encode(raw)
    assert len(np.unique(vectors[:, 0])) == 10
    assert np.abs(vectors).max() < 2 * RESOLUTION


def test_values_beyond_the_bounds_of_the_sample_are_winsorised_and_with_one_unit_for_all_only_at_the_limit() -> None:
    far = np.array([[1e12], [-1e12]])
    scale = Scale.fit(np.array([[0.0], [1.0]]), ["score"], [IDENTITY], [1.0])
    assert scale.encode(far).tolist() == [[1280], [-1280]]
    assert Scale.common(np.array([[0.0], [1.0]]), ["score"]).encode(far).tolist() == [[LIMIT], [-LIMIT]]


@given(st.integers(0, 2**32), st.integers(300, 1000))
def test_a_hundredth_of_absurd_values_changes_a_scale_by_little(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.lognormal(2, 1, (n, 2))
    raw[:, 1] = 3.0
    forged = raw.copy()
    forged[: n // 100] = 1e24
    before, after = (Scale.fit(one, ["spending", "items"], [LOG1P] * 2, [1.0] * 2) for one in (raw, forged))
    assert abs(after.means[0] - before.means[0]) < 0.1 * before.stds[0]
    assert before.stds[0] <= after.stds[0] < 1.15 * before.stds[0]
    assert not after.encode(forged)[:, 1].any(), "what none but they have counts for nothing"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0])
def test_values_that_have_no_vector_are_refused(bad: float) -> None:
    good = np.array([[1.0], [2.0]])
    scale = Scale.fit(good, ["spending"], [LOG1P], [1.0])
    with pytest.raises(ValueError, match=r"finite|greater"):
        scale.encode(np.array([[bad]]))
    with pytest.raises(ValueError, match=r"finite|greater"):
        Scale.fit(np.array([[1.0], [bad]]), ["spending"], [LOG1P], [1.0])


def test_samples_and_weights_that_do_not_fit_are_refused() -> None:
    good = np.ones((2, 1))
    with pytest.raises(ValueError, match="one length"):
        Scale.fit(good, ["spending"], [LOG1P], [])
    with pytest.raises(ValueError, match="shape"):
        Scale.fit(np.ones((0, 1)), ["spending"], [LOG1P], [1.0])
    with pytest.raises(ValueError, match="weights"):
        Scale.fit(good, ["spending"], [LOG1P], [-1.0])
    with pytest.raises(ValueError, match="knee"):
        Scale.fit(good, ["spending"], [LOG1P], [1.0], [0.0])
    with pytest.raises(ValueError, match="shape"):
        Scale.fit(good, ["spending"], [LOG1P], [1.0]).encode(np.ones((2, 2)))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"names":["a"]}'])
def test_json_that_is_no_scale_is_corrupt(text: str) -> None:
    with pytest.raises(StateCorrupt):
        Scale.from_json(text)


def test_a_scale_with_lists_of_different_lengths_is_corrupt() -> None:
    text = Scale.fit(np.ones((2, 1)), ["a"], [LOG1P], [1.0]).to_json()
    with pytest.raises(StateCorrupt):
        Scale.from_json(text.replace('"weights":[1.0]', '"weights":[1.0,1.0]'))
