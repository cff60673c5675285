"""Hysteresis: what is reported, and what is not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.segments.reported import DIED, Hysteresis, ReportedSegments, Reports, report
from crm_online.segments.sums import ABSENT

DAY = 86_400_000


def reports_of(
    nearest: int,
    to_nearest: float,
    to_reported: float,
    reported: int,
    *,
    left: int = ABSENT,
    since: int = 0,
    now: int = 30 * DAY,
    margin: float = 0.1,
    min_dwell: int = 7 * DAY,
) -> Reports:
    """Return what is reported of one customer."""
    return report(
        np.array([nearest]),
        np.array([to_nearest]),
        np.array([to_reported]),
        ReportedSegments(np.array([reported]), np.array([left]), np.array([since])),
        np.array([now]),
        Hysteresis(margin, min_dwell),
    )


def test_the_first_segment_is_reported_at_once_and_has_no_margin() -> None:
    first = reports_of(2, 5.0, 0.0, ABSENT, now=1)
    assert (first.labels.tolist(), first.since.tolist(), first.changed.tolist()) == ([2], [1], [True])
    assert np.isnan(first.margins[0])
    assert not first.orphaned[0]


def test_a_customer_nearer_to_another_by_the_margin_moves_after_the_dwell() -> None:
    moved = reports_of(1, 8.0, 10.0, 0)
    assert (moved.labels.tolist(), moved.since.tolist(), moved.changed.tolist()) == ([1], [30 * DAY], [True])
    assert moved.margins.tolist() == pytest.approx([0.2])


@pytest.mark.parametrize(("to_nearest", "moves"), [(8.99, True), (9.0, False), (9.5, False)])
def test_within_the_margin_nobody_moves(to_nearest: float, moves: bool) -> None:
    assert reports_of(1, to_nearest, 10.0, 0).changed.tolist() == [moves]


@pytest.mark.parametrize(("now", "moves"), [(7 * DAY - 1, False), (7 * DAY, True)])
def test_before_the_dwell_nobody_moves(now: int, moves: bool) -> None:
    assert reports_of(1, 1.0, 10.0, 0, now=now).changed.tolist() == [moves]


@pytest.mark.parametrize(("now", "moves"), [(8 * DAY, False), (14 * DAY, False), (14 * DAY + 1, True)])
def test_going_back_to_the_segment_just_left_takes_twice_the_dwell(now: int, moves: bool) -> None:
    assert reports_of(1, 1.0, 10.0, 0, left=1, now=now).changed.tolist() == [moves]


def test_a_segment_that_died_is_left_at_once_for_the_nearest() -> None:
    moved = reports_of(3, 9.9, 0.0, DIED, since=5, now=6)
    assert (moved.labels.tolist(), moved.since.tolist()) == ([3], [6])
    assert moved.changed.tolist() == moved.orphaned.tolist() == [True]


def test_who_stays_keeps_the_time_since_when() -> None:
    stayed = reports_of(0, 1.0, 1.0, 0, since=123)
    assert (stayed.labels.tolist(), stayed.since.tolist(), stayed.changed.tolist()) == ([0], [123], [False])
    assert stayed.margins.tolist() == [0.0]


def test_on_top_of_the_reported_centre_nobody_moves_and_nothing_is_divided_by_zero() -> None:
    with np.errstate(all="raise"):
        stayed = reports_of(0, 0.0, 0.0, 1)
    assert (stayed.labels.tolist(), stayed.margins.tolist()) == ([1], [0.0])


@given(
    margin=st.floats(0, 0.9),
    dwell=st.integers(0, 10),
    distances=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10)), min_size=1, max_size=40),
)
def test_moves_are_a_dwell_apart_and_a_way_back_two(
    margin: float, dwell: int, distances: list[tuple[float, float, float]]
) -> None:
    reported, left, since = ABSENT, ABSENT, 0
    moves: list[tuple[int, int]] = []
    for now, to_each in enumerate(distances):
        nearest = int(np.argmin(to_each))
        reports = reports_of(
            nearest,
            to_each[nearest],
            to_each[max(reported, 0)],
            reported,
            left=left,
            since=since,
            now=now,
            margin=margin,
            min_dwell=dwell,
        )
        if reports.changed[0]:
            assert reported == ABSENT or to_each[nearest] < (1 - margin) * to_each[reported]
            moves.append((now, int(reports.labels[0])))
            left = reported
        reported, since = int(reports.labels[0]), int(reports.since[0])
    for (earlier, _), (later, _) in pairwise(moves):
        assert later - earlier >= dwell
    for (_, before), (earlier, _), (later, back) in zip(moves, moves[1:], moves[2:], strict=False):
        assert back != before or later - earlier > 2 * dwell
