"""Batches: split over partitions, each event is in one of them, and what is no event comes once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crm_online.events.batch import Batch
from crm_online.events.columns import partition_of
from crm_online.events.rejects import RejectedRow
from tests.engine import shop

NAMES = st.text("abcdefgh", min_size=1, max_size=2)


@given(st.lists(st.tuples(NAMES, st.integers(0, 100)), max_size=30), st.integers(1, 5))
def test_every_event_is_in_the_batch_of_its_partition_and_rejects_come_once(
    views: list[tuple[str, int]], partitions: int
) -> None:
    events = shop.columns([shop.view(name, day * shop.DAY) for name, day in views])
    reject = RejectedRow("not JSON", None, "log.jsonl:1", "raw", len(views))
    whole = Batch("log", 0, len(views) + 1, events, [reject], 7, [1, 2], {"colour": 3})
    parts = whole.split(partitions)
    assert len(parts) == partitions
    assert sorted(row for part in parts for row in part.events.position.tolist()) == list(range(len(views)))
    for number, part in enumerate(parts):
        assert set(partition_of(part.events, partitions).tolist()) <= {number}
        assert part.events.position.tolist() == sorted(part.events.position.tolist())
        assert (part.begin, part.end, part.watermark, part.pauses) == (0, len(views) + 1, 7, [1, 2])
    assert [list(part.rejects) for part in parts] == [[reject], *[[]] * (partitions - 1)]
    assert [dict(part.unknown_fields) for part in parts] == [{"colour": 3}, *[{}] * (partitions - 1)]
