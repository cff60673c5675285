"""The scatter's axes: principal ones equal scikit-learn's, ticks stand where the feature has that value."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from crm_online.plots import SegmentPicture
from crm_online.plots.axes import feature_axis
from crm_online.plots.principal import PrincipalAxes
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


@settings(max_examples=60, deadline=None)
@given(
    largest=st.floats(0.01, 1e6),
    span=st.sampled_from([0.02, 0.5, 1.0]),
    knee=st.sampled_from([1.0, 30.0]),
    transform=st.sampled_from(list(Transform)),
)
def test_an_axis_has_ticks_that_do_not_touch_at_the_values_written_there(
    largest: float, span: float, knee: float, transform: Transform
) -> None:
    raw = np.linspace(largest * (1 - span), largest, 20)[:, None]
    for side in drawn(Scale.fit(raw, ["spending"], [transform], [1.0], [knee]), raw):
        ticks = written(side)
        assert 2 <= len(ticks) <= 22
        assert [_number(text) for _, text in ticks] == pytest.approx([place for place, _ in ticks], rel=1e-3)
        boxes = [label.get_window_extent() for label in side.get_ticklabels() if label.get_text()]
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_shares_are_given_in_per_cent_and_what_does_not_vary_has_one_tick() -> None:
    raw = np.array([[0.0, 7.0], [0.1, 7.0], [0.3, 7.0]])
    scale = Scale.fit(raw, ["returned", "views"], [Transform.IDENTITY, Transform.LOG1P], [1.0, 1.0])
    shares = [text for _, text in written(drawn(scale, raw, "returned")[0])]
    assert shares[0] == "0 %"
    assert {"10 %", "20 %", "30 %"} <= set(shares)
    assert [text for _, text in written(drawn(scale, raw, "views")[0])] == ["7"]


@pytest.mark.parametrize("transform", list(Transform))
def test_distances_on_an_axis_are_those_of_the_model(transform: Transform) -> None:
    raw = np.array([[0.0], [1.0], [30.0], [1000.0]])
    scale = Scale.fit(raw, ["recency"], [transform], [1.0], [30.0])
    side, _ = drawn(scale, raw)
    transformed = side.get_transform().transform(scale.decode(scale.encode(raw).astype(np.float64))[:, 0])
    model = scale.encode(raw)[:, 0]
    assert np.diff(transformed) / np.ptp(transformed) == pytest.approx(np.diff(model) / np.ptp(model.astype(float)))


def drawn(scale: Scale, raw: NDArray[np.float64], name: str = "") -> tuple[Axis, Axis]:
    """Return a feature as the axis across and the axis up of a plot as large as that of a picture."""
    vectors = scale.encode(raw)
    segments = [{"id": "s1", "name": "All", "size": len(raw), "description": ""}]
    picture = SegmentPicture(
        segments, vectors.mean(axis=0)[None], scale, vectors, ["s1"] * len(raw), units={"returned": "share"}
    )
    axis = feature_axis(picture, name or scale.names[0])
    figure = Figure(figsize=(7.0, 4.0))
    plot = figure.add_axes((0.1, 0.1, 0.88, 0.88))
    plot.tick_params(labelsize=7.5)
    plot.set(xscale=axis.scale(plot.xaxis), yscale=axis.scale(plot.yaxis))
    axis.set_ticks(plot.xaxis, 0.88 * 7.0)
    axis.set_ticks(plot.yaxis, 0.88 * 4.0)
    plot.scatter(axis.customers, axis.customers)
    figure.draw_without_rendering()
    return plot.xaxis, plot.yaxis


def written(side: Axis) -> list[tuple[float, str]]:
    """Return the ticks within the axis."""
    low, high = sorted(side.get_view_interval())
    texts = [label.get_text() for label in side.get_ticklabels()]
    return [
        (place, text) for place, text in zip(side.get_ticklocs().tolist(), texts, strict=True) if low <= place <= high
    ]


def _number(text: str) -> float:
    factor = {"k": 1e3, "M": 1e6, "G": 1e9}.get(text[-1], 1.0)
    return float(text.rstrip("kMG").replace("\N{MINUS SIGN}", "-")) * factor
