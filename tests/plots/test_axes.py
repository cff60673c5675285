"""The scatter's axes: principal ones equal scikit-learn's, marks stand where the feature has that value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from crm_online.plots.principal import PrincipalAxes
from crm_online.plots.ticks import ticks
from crm_online.segments.vectors import RESOLUTION, Scale, Transform

VECTORS = np.random.default_rng(3).normal(0, 1000, (300, 4)) @ np.diag([3.0, 1.0, 0.4, 2.0])


def test_the_principal_axes_are_scikit_learns_with_the_strongest_feature_counting_up() -> None:
    axes, truth = PrincipalAxes.fit(VECTORS), PCA(2).fit(VECTORS / RESOLUTION)
    assert axes.explained == pytest.approx(truth.explained_variance_ratio_)
    for row, other in zip(axes.directions, truth.components_, strict=True):
        assert row[np.argmax(np.abs(row))] > 0
        assert row == pytest.approx(other * np.sign(other[np.argmax(np.abs(other))]), abs=1e-8)


def test_turned_round_customers_have_the_same_axes() -> None:
    assert PrincipalAxes.fit(-VECTORS).directions.tolist() == PrincipalAxes.fit(VECTORS).directions.tolist()


@pytest.mark.parametrize("shape", [(1, 3), (2, 3), (50, 1)])
def test_what_explains_nothing_is_zero(shape: tuple[int, int]) -> None:
    vectors = np.random.default_rng(0).normal(0, 1000, shape)
    axes = PrincipalAxes.fit(vectors)
    assert axes.explained[1] == 0
    assert (axes.project(vectors)[:, 1] == 0).all()
    assert axes.label(1, ["spending", "views", "orders"]).endswith("(0 %): nothing varies")


def test_an_axis_is_named_after_its_strongest_features_with_their_directions() -> None:
    axes = PrincipalAxes(np.zeros(4), np.array([[0.7, -0.6, 0.1, 0.37]]), (0.421,))
    minus = "\N{MINUS SIGN}"
    assert (
        axes.label(0, ["spending", "recency", "views", "orders"])
        == f"axis 1 (42 %): spending +, recency {minus}, orders +"
    )


@given(
    largest=st.floats(0.01, 1e6),
    knee=st.sampled_from([1.0, 30.0]),
    weight=st.sampled_from([0.5, 1.0]),
    transform=st.sampled_from(list(Transform)),
)
def test_marks_stand_where_the_feature_has_that_value(
    largest: float, knee: float, weight: float, transform: Transform
) -> None:
    raw = np.linspace(0, largest, 20)[:, None]
    scale = Scale.fit(raw, ["spending"], [transform], [weight], [knee])
    low, high = -4 * weight, 4 * weight
    marks = ticks(scale, 0, low, high, gap=0.3 * weight)
    places = np.array([place for place, _ in marks])
    assert len(marks) >= 2
    assert (np.diff(places) >= 0.3 * weight * (1 - 1e-9)).all()
    assert low <= places.min() <= places.max() <= high
    written = [_read(text) for _, text in marks]
    assert scale.decode(places[:, None] * RESOLUTION)[:, 0] == pytest.approx(written, rel=1e-5, abs=1e-9 * largest)


def test_shares_are_told_in_per_cent_and_what_does_not_vary_has_one_mark() -> None:
    raw = np.array([[0.0, 7.0], [0.1, 7.0], [0.3, 7.0]])
    scale = Scale.fit(raw, ["returned", "views"], [Transform.IDENTITY, Transform.LOG1P], [1.0, 1.0])
    assert [text for _, text in ticks(scale, 0, -1.2, 1.4, 0.5, "share")] == ["0 %", "10 %", "20 %", "30 %"]
    assert ticks(scale, 1, -1.0, 1.0, 0.5, "views") == [(0.0, "7")]


def _read(text: str) -> float:
    factor = {"G": 1e9, "M": 1e6}.get(text[-1], 1.0)
    return float(text.rstrip("GM").replace(",", "").replace("\N{MINUS SIGN}", "-")) * factor
