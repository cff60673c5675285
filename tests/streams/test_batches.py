"""Records that wait for their step: what is fetched meanwhile joins them, if it follows on."""

from __future__ import annotations

import pytest

from streams.partition import RecordBatch
from tests.streams.driver import Sent


def batch(begin: int, end: int, *, lag: int = 0) -> RecordBatch:
    return RecordBatch(begin, end, [Sent(offset, None, b"", 0) for offset in range(begin, end)], lag)


def test_what_follows_on_joins_and_brings_its_lag() -> None:
    waiting = batch(3, 5, lag=4)

    assert waiting.join(batch(5, 9), most=6)
    assert (waiting.begin, waiting.end, waiting.lag) == (3, 9, 0)
    assert [record.offset for record in waiting.records] == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("more", "most"),
    [(batch(6, 9), 100), (batch(4, 9), 100), (batch(5, 9), 5)],
    ids=["a gap", "again", "too many"],
)
def test_what_does_not_follow_on_stays_by_itself(more: RecordBatch, most: int) -> None:
    waiting = batch(3, 5, lag=4)

    assert not waiting.join(more, most)
    assert (waiting.begin, waiting.end, waiting.lag, len(waiting.records)) == (3, 5, 4, 2)
