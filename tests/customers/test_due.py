"""The due queue: nobody waits too long, nobody is visited too early, and a step's visits are bounded."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.due import DueQueue
from crm_online.step import Append, Drop, Shorten, Write

DAY = 86_400_000
half_lives = st.one_of(st.none(), st.integers(10 * 60_000, 400 * DAY))


def apply(lists: dict[str, list[bytes]], writes: list[Write]) -> None:
    for write in writes:
        match write:
            case Append(name, values):
                lists.setdefault(name, []).extend(values)
            case Shorten(name, count):
                del lists[name][:count]
                assert lists[name]
            case Drop(name):
                del lists[name]
            case _:
                raise AssertionError(write)


def longest(half_life: int | None) -> int:
    return 30 * DAY if half_life is None else half_life // 4


@given(half_life=half_lives, last=st.integers(0, 10**12), idle=st.integers(0, 10**11), late=st.integers(0, 10**9))
def test_a_visit_is_due_with_the_bucket_in_which_half_the_idle_time_is_over_but_never_in_the_present_one(
    half_life: int | None, last: int, idle: int, late: int
) -> None:
    queue = DueQueue(half_life)
    now = last + idle
    bucket = queue.next_visit(np.array([last]), np.array([now]))
    list(queue.put(bucket, ["ann"]))
    opens = int(bucket[0]) * queue.bucket_ms
    due = now + min(idle // 2, longest(half_life))
    assert now < opens
    assert due - queue.bucket_ms < opens <= max(due, now + queue.bucket_ms)
    assert not queue.plan(opens - 1, 10)
    assert queue.plan(opens + late, 10) == [(int(bucket[0]), 1)]


def test_a_bucket_is_a_day_at_the_default_half_life() -> None:
    assert DueQueue(90 * DAY).bucket_ms == DueQueue(None).bucket_ms == DAY


@given(half_life=st.integers(1, 10**9))
def test_buckets_are_never_so_short_that_their_numbers_outgrow_a_record(half_life: int) -> None:
    assert 4_260_211_200_000 // DueQueue(half_life).bucket_ms + 2 < 2**32


@given(
    waits=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 60)), max_size=60),
    moments=st.lists(st.integers(0, 120), min_size=1, max_size=25),
    most=st.integers(1, 9),
)
def test_everybody_comes_up_once_in_order_and_never_more_than_a_step_takes(
    waits: list[tuple[int, int]], moments: list[int], most: int
) -> None:
    queue, lists = DueQueue(90 * DAY), dict[str, list[bytes]]()
    ids = [f"c{number}" for number in range(len(waits))]
    last = np.array([day * DAY for day, _ in waits], np.int64)
    now = np.array([(day + idle) * DAY for day, idle in waits], np.int64)
    buckets = queue.next_visit(last, now)
    apply(lists, list(queue.put(buckets, ids)))
    came: Counter[str] = Counter()
    order: list[int] = []
    clock = 0
    for moment in [*moments, *[600] * len(waits)]:
        clock = max(clock, moment * DAY)
        plan = queue.plan(clock, most)
        assert sum(count for _, count in plan) <= most
        for bucket, count in plan:
            assert bucket * queue.bucket_ms <= clock
            names = [name.decode() for name in lists[f"due:{bucket}"][:count]]
            assert len(names) == count
            came.update(names)
        order += [bucket for bucket, _ in plan]
        if sum(count for _, count in plan) < most:
            assert all(bucket > clock // DAY for bucket in queue.waiting.keys() - dict(plan).keys())
        apply(lists, list(queue.remove(plan)))
        assert {f"due:{bucket}": count for bucket, count in queue.waiting.items()} == {
            name: len(values) for name, values in lists.items()
        }
    assert came == Counter(ids)
    assert order == sorted(order)
