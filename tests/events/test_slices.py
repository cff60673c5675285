"""Slices: all rows once and in order, none through much time, and none more than time asks for."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.batch import Batch
from crm_online.events.building import from_events
from crm_online.events.models import EVENT
from crm_online.events.slices import slices
from tests.engine import shop

DAY = shop.DAY


def run(days: list[float], before: float | None = None, also: tuple[int, ...] = ()) -> list[Batch]:
    events = from_events([shop.view("ann", int(day * DAY)) for day in days], range(10, 10 + len(days)), "made")
    start = None if before is None else int(before * DAY)
    after = max([int(day * DAY) for day in days] + ([] if start is None else [start]), default=None)
    return list(slices(Batch("made", 10, 10 + len(days), events, watermark=after), start, DAY, also))


def rows(part: Batch) -> list[int]:
    return [int(row) for row in part.events.position]


@given(
    days=st.lists(st.floats(0, 60), max_size=40),
    before=st.one_of(st.none(), st.floats(0, 30)),
    also=st.lists(st.integers(0, 60), max_size=3),
)
def test_slices_are_all_rows_in_order_and_none_begins_two_buckets_before_it_ends(
    days: list[float], before: float | None, also: list[int]
) -> None:
    parts = run(days, before, tuple(also))
    assert parts[0].begin == 10
    assert parts[-1].end == 10 + len(days)
    assert all(one.end == other.begin for one, other in pairwise(parts))
    assert all(rows(part) == list(range(part.begin, part.end)) for part in parts)
    passed = list(
        accumulate([int(day * DAY) for day in days], max, initial=-1 if before is None else int(before * DAY))
    )
    for part in parts:
        inside = [mark // DAY for mark in passed[part.begin - 9 : part.end - 9]]
        if inside:
            assert part.watermark == passed[part.end - 10]
            # It may enter the next bucket, or leap to any; but then it stays in it.
            assert len(set(inside)) == 1 or inside[-1] <= passed[part.begin - 10] // DAY + 1 or before is None
    ends = {part.end for part in parts}
    assert all(row in ends for row in also if 10 < row < 10 + len(days))


def test_a_run_within_a_day_is_one_slice_and_a_month_one_a_day() -> None:
    assert len(run([0.1, 0.5, 1.2, 1.9], before=0.0)) == 1
    assert [part.end - part.begin for part in run([0.5, 1.5, 1.6, 2.5, 3.5, 30.5, 30.6], before=0.4)] == [3, 1, 1, 2]


@pytest.mark.parametrize("kind", ["erase", "objection"])
def test_an_erasure_or_objection_far_ahead_moves_nothing(kind: str) -> None:
    far = EVENT.validate_python({"type": kind, "customer_id": "ann", "time": "2000-01-01"})
    near = [shop.view("ann", DAY), far, shop.view("ann", DAY)]
    events = from_events([*near, shop.view("ann", 3 * DAY)], range(4), "made")
    parts = slices(Batch("made", 0, 4, events, watermark=3 * DAY), 0, DAY)
    assert [(part.begin, part.watermark) for part in parts] == [(0, DAY), (3, 3 * DAY)]


def test_the_same_rows_make_the_same_slices_from_wherever_a_slice_began() -> None:
    days = np.sort(np.random.default_rng(0).uniform(0, 40, 60)).tolist()
    parts = run(days, before=0.0)
    assert len(parts) > 20
    again = run(days, before=0.0, also=(parts[4].end,))
    assert [(part.begin, part.end, part.watermark) for part in again] == [
        (part.begin, part.end, part.watermark) for part in parts
    ]
