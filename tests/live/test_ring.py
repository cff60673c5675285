"""The ring holds the last changes within its bytes, and knows what it no longer holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from crm_online.live.feeds.events import BLANK, ChangeFilter, FeedEvent, feed_event, gap_event
from crm_online.live.feeds.ring import CHUNK, SCANNED, Ring
from crm_online.step import ChangeId, Entry
from tests.live.feeding import At, Change, move, name, rule


def event(partition: int, at: At, change: Change) -> FeedEvent:
    topic, key, value = change
    value = {"change_id": name(partition, at), **value}
    return feed_event(Entry(topic, key, json.dumps(value).encode(), ChangeId(partition, *at)))


def ring(most_bytes: int = 10**9, partitions: int = 1) -> Ring:
    made = Ring(most_bytes)
    made.start({partition: ChangeId(partition, 0, 0) for partition in range(partitions)}, {})
    return made


def moves(count: int, begin: int = 1) -> Sequence[FeedEvent]:
    return [event(0, (0, number), move(f"c{number}")) for number in range(begin, begin + count)]


def test_it_holds_no_more_bytes_than_it_may_and_knows_where_it_begins() -> None:
    one = ring(50_000)
    for begin in range(1, 2000, 7):
        one.add(moves(7, begin))
        held = [one.event(number) for number in range(one.begin, one.end)]
        assert sum(len(change.framed) + 1000 for change in held) <= 50_000
        assert (one.before_first[0].sequence, one.last[0].sequence) == (one.begin, one.end)
        assert [change.id.sequence for change in held] == list(range(one.begin + 1, one.end + 1))


def test_chunks_are_of_about_one_size_and_together_they_are_all() -> None:
    one = ring()
    one.add(moves(1000))
    number, whole = 0, b""
    while number < one.end:
        chunk, number, cursor = one.chunk(number, ChangeFilter())
        assert len(chunk) < CHUNK + 1000
        assert cursor == name(0, (0, number))
        whole += chunk
    assert whole == b"".join(one.event(number).framed for number in range(one.end))


def test_where_few_changes_match_a_chunk_ends_nevertheless() -> None:
    one, matching = ring(), ChangeFilter(items=frozenset({"tea"}))
    one.add(moves(2 * SCANNED))
    one.add([event(0, (0, 2 * SCANNED + 1), rule(["jam"], ["tea"]))])
    assert one.chunk(0, matching) == (b"", SCANNED, name(0, (0, SCANNED)))
    assert one.chunk(2 * SCANNED, matching)[0] == one.event(2 * SCANNED).framed


def test_chunks_that_nobody_comes_for_any_more_are_not_kept() -> None:
    one = ring()
    one.add(moves(2000))
    for number in range(2000):
        one.chunk(number, ChangeFilter())
    assert len(one._chunks) <= 256


def test_from_the_number_of_any_cursor_on_nothing_is_missing() -> None:
    random, one = Random(1), ring(2_000_000, partitions=3)
    cursor = {partition: ChangeId(partition, 0, 0) for partition in range(3)}
    cursors = []
    for at in range(3000):
        # Now one partition has many changes, now another.
        partition = random.choice([0, 1, 2, *[at // 300 % 3] * 9])
        cursor[partition] = ChangeId(partition, 0, cursor[partition].sequence + 1)
        one.add([event(partition, cursor[partition][1:], move("c"))])
        cursors.append(dict(cursor))
    for reached in cursors[one.begin :: 7]:
        number = one.number_of(reached)
        before = [one.event(at) for at in range(one.begin, number)]
        assert all(change.id <= reached[change.partition] for change in before)
        known = sum(one.event(at).id <= reached[one.event(at).partition] for at in range(number, one.end))
        assert number == one.begin or known <= 256, "so little of what comes is known to them"


def test_after_a_state_was_put_back_nothing_is_held_and_all_numbers_are_lost() -> None:
    one = ring()
    one.add(moves(300))
    last = ChangeId(0, 0, 200)
    rewound = gap_event(ChangeId(0, 0, 300), ChangeId(0, 0, 200), "rewound")
    one.rewind(rewound, last)
    assert (one.begin, one.end, one.before_first, one.last) == (301, 301, {0: last}, {0: last})
    assert list(one.rewinds) == [(300, last, rewound)]
    one.add(moves(5, 201))
    assert one.number_of({0: ChangeId(0, 0, 203)}) == 301
    assert one.chunk(301, ChangeFilter())[1:] == (306, "0-0-205")


def test_changes_of_the_erased_are_blank_but_the_last_and_what_came_after_it() -> None:
    one = ring()
    customers = ["x", "y", "x"]
    one.add([event(0, (0, number), move(key)) for number, key in enumerate(customers, 1)])
    one.add([event(0, (0, 4), move("x", None, reason="erase")), event(0, (0, 5), move("x"))])
    one.forget({"x"})
    kinds = [one.event(number).kind for number in range(5)]
    assert kinds == [BLANK, "segment-change", BLANK, "segment-change", "segment-change"]
    chunk, number, cursor = one.chunk(0, ChangeFilter())
    assert (chunk.count(b"data: "), number, cursor) == (3, 5, "0-0-5")
    assert one.event(0).framed == b""
