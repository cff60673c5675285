"""Labels keep clear of each other and stay in the plot."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.plots.placing import place_labels


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 25))
def test_no_label_covers_another_or_leaves_the_plot(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 2)) * [400, 280]
    sizes = [(float(width), 13.0) for width in rng.uniform(15, 110, count)]
    middles = place_labels(points, sizes, (400.0, 280.0), rng.uniform(0, 280, (200, 2)))
    boxes = [(*middle, *size) for middle, size in zip(middles, sizes, strict=True) if middle is not None]
    for x, y, width, height in boxes:
        assert width / 2 - 1e-6 <= x <= 400 - width / 2 + 1e-6
        assert height / 2 - 1e-6 <= y <= 280 - height / 2 + 1e-6
    for (x, y, width, height), (other_x, other_y, other_width, other_height) in combinations(boxes, 2):
        apart = abs(x - other_x) >= (width + other_width) / 2 - 1e-6
        assert apart or abs(y - other_y) >= (height + other_height) / 2 - 1e-6


def test_a_label_takes_the_emptier_side() -> None:
    crowd = np.random.default_rng(0).uniform([105, 40], [200, 60], (400, 2))
    (middle,) = place_labels(np.array([[100.0, 50.0]]), [(60.0, 12.0)], (200.0, 100.0), crowd)
    assert middle is not None
    assert middle[0] < 100 or abs(middle[1] - 50) > 15


def test_a_label_without_room_is_left_out() -> None:
    assert place_labels(np.array([[20.0, 20.0]]), [(60.0, 12.0)], (40.0, 40.0), np.zeros((0, 2))) == [None]


@pytest.mark.parametrize("way", [0, 1])
def test_two_points_at_one_place_both_have_their_labels(way: int) -> None:
    first, second = place_labels(np.full((2, 2), 100.0), [(60.0, 12.0)] * 2, (200.0, 200.0), np.zeros((0, 2)))
    assert first is not None
    assert second is not None
    assert first[way] != second[way]
