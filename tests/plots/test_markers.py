"""Markers differ in colour, in grey, and by colour-blind eyes."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from matplotlib.colors import to_rgb

from crm_online.plots.markers import CENTROID, COLOURS, segment_marker


@pytest.mark.parametrize("count", [6, 12, 64])
def test_any_two_marks_differ_in_shape_or_in_lightness(count: int) -> None:
    for one, other in combinations(map(segment_marker, range(count)), 2):
        assert one.shape != other.shape or abs(_lightness(one.colour) - _lightness(other.colour)) >= 7


def test_the_first_marks_differ_in_both() -> None:
    marks = [segment_marker(number) for number in range(len(COLOURS))]
    assert len({one.shape for one in marks}) == len({one.colour for one in marks}) == len(COLOURS)


def test_the_colours_lie_apart_in_lightness_and_are_seen_on_white() -> None:
    lightness = sorted(map(_lightness, COLOURS))
    assert min(high - low for low, high in pairwise(lightness)) >= 7
    assert lightness[-1] < 85


def test_the_centroids_red_is_no_segments_colour() -> None:
    assert CENTROID not in COLOURS
    assert all(_channel(colour, 0) - _channel(colour, 2) < 0.7 for colour in COLOURS)


def _channel(colour: str, number: int) -> float:
    return float(to_rgb(colour)[number])


def _lightness(colour: str) -> float:
    """Return CIE L* of a colour (IEC 61966-2-1 and CIE 15)."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return float(116 * luminance ** (1 / 3) - 16)
