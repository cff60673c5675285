"""The sample is uniform whatever the order; idle customers are visited in time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.due import DueQueue
from crm_online.customers.sample import Sample, merged
from crm_online.events.columns import hash64
from crm_online.step import Put, Remove

DAY = 86_400_000
NAMES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5), unique=True, max_size=60)


@given(names=NAMES, size=st.integers(1, 20), steps=st.integers(1, 7), gone=st.integers(0, 5))
def test_the_sample_is_the_customers_with_the_smallest_hashes(
    names: list[str], size: int, steps: int, gone: int
) -> None:
    sample, stored = Sample(size), dict[bytes, bytes]()
    writes = []
    for begin in range(0, len(names), steps):
        writes += list(sample.offer(names[begin : begin + steps]))
    hashes = dict(zip(names, hash64(names, "crm-online/sample").tolist(), strict=True))
    expected = set(sorted(names, key=lambda name: hashes[name])[:size])
    assert set(sample.hashes) == expected
    for name in names[:gone]:
        writes += list(sample.forget(name))
    for write in writes:
        if isinstance(write, Put):
            stored |= write.fields
        elif isinstance(write, Remove):
            for field in write.fields:
                del stored[field]
    assert {name.decode() for name in stored} == expected - set(names[:gone])


@given(names=NAMES, size=st.integers(1, 20))
def test_the_sample_over_partitions_is_that_of_one(names: list[str], size: int) -> None:
    parts = [Sample(size) for _ in range(3)]
    stored: list[dict[bytes, bytes]] = [{}, {}, {}]
    for number, name in enumerate(names):
        for write in parts[number % 3].offer([name]):
            if isinstance(write, Put):
                stored[number % 3] |= write.fields
            elif isinstance(write, Remove):
                for field in write.fields:
                    del stored[number % 3][field]
    one = Sample(size)
    list(one.offer(names))
    assert {name for _, name in merged((part.items() for part in stored), size)} == set(one.hashes)


@given(
    idle=st.integers(0, 400 * DAY),
    now=st.integers(400 * DAY, 20_000 * DAY),
    half_life=st.sampled_from([None, DAY, 90 * DAY, 3_600_000]),
)
def test_who_is_idle_is_visited_after_half_that_time_or_a_quarter_of_the_half_life(
    idle: int, now: int, half_life: int | None
) -> None:
    queue = DueQueue(half_life)
    bucket = int(queue.next_visit(np.array([now - idle]), np.array([now]))[0])
    list(queue.put(np.array([bucket]), ["a"]))
    longest = half_life // 4 if half_life else 30 * DAY
    by_then = now + min(idle // 2, longest) + 2 * queue.bucket_ms
    assert queue.plan(by_then, 1) == [(bucket, 1)]
    assert not queue.plan(now, 1)


@given(st.lists(st.integers(0, 20), max_size=50), st.integers(1, 10))
def test_a_step_visits_no_more_than_it_may_and_all_are_visited_once(buckets: list[int], most: int) -> None:
    queue = DueQueue(90 * DAY)
    list(queue.put(np.array(buckets, np.int64), [str(number) for number in range(len(buckets))]))
    visited = 0
    while planned := queue.plan(10**15, most):
        assert sum(count for _, count in planned) <= most
        visited += sum(count for _, count in planned)
        list(queue.take(planned))
    assert visited == len(buckets)
    assert not queue.waiting
