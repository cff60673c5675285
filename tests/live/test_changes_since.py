"""The changes since a change are found whatever happened to Redis since, and while more happens to it."""

from __future__ import annotations

import pytest

from crm_online.live.feeds.changes_since import Trimmed, beginning, changes_since
from crm_online.step import ChangeId, Topic
from crm_online.store import Store
from tests.live.feeding import Log, move, reject
from tests.servers.embedded import admin

ANY = [ChangeId(0, epoch, sequence) for epoch in range(4) for sequence in range(14)]


def with_epochs(store: Store) -> list[ChangeId]:
    """Make changes of three epochs, of which the second and third went on from an earlier number."""
    log = Log(store)
    log.many(3)
    at_three = log.copy()
    log.many(4)
    at_three()
    log.claim()
    log.epoch = 1
    log.many(4)
    at_seven = log.copy()
    log.many(5)
    at_seven()
    log.claim()
    log.epoch = 2
    log.many(3)
    found = [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6), (1, 7), (2, 8), (2, 9), (2, 10)]
    return [ChangeId(0, *at) for at in found]


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 6, 9, 10])
def test_after_any_change_come_all_higher_ones_with_a_gap_if_some_are_missing(redis: Store, keep: int) -> None:
    ids = with_epochs(redis)
    with admin(redis) as client:
        client.ltrim("{crm:0}:changes:segment-changes", -keep, -1)
        for one in ids[:-keep]:
            client.hset("{crm:0}:meta", "trimmed:1", f"{one.epoch}-{one.sequence}")
    kept, gone = ids[-keep:], ids[:-keep]
    assert [entry.sequence for entry in redis.partition(0).changes()] == [one.sequence for one in kept]
    for last in ANY:
        for most in (1, 2, 5, 100):
            found = changes_since(redis.partition(0), last, most)
            higher = [one for one in kept if one > last]
            assert [event.id for event in found.events] == higher[:most]
            if gone and last < gone[-1]:
                assert (found.gap, found.after) == ("trimmed", max(last, kept[0].previous))
                assert found.missing == {Topic.SEGMENT_CHANGES: gone[-1]}
            elif last > ids[-1]:
                assert (found.gap, found.after) == ("rewound", ids[-1])
            else:
                assert (found.gap, found.after) == (None, last)


def test_a_state_that_kept_none_is_a_gap_or_nothing(redis: Store) -> None:
    log = Log(redis)
    part = redis.partition(0)
    assert beginning(part).before_oldest == at(0)
    found = changes_since(part, at(0), 10)
    assert (found.events, found.gap, found.after) == ([], None, at(0))
    assert changes_since(part, at(7), 10).gap == "rewound"
    log.many(3)
    with admin(redis) as client:
        client.delete("{crm:0}:changes:segment-changes")
    assert beginning(part).before_oldest == at(3)
    gaps = [changes_since(part, at(number), 10).gap for number in range(5)]
    assert gaps == [*["trimmed"] * 3, None, "rewound"]
    log.many(2)
    assert [event.id for event in changes_since(part, at(3), 10).events] == [at(4), at(5)]


def test_another_change_with_the_same_id_is_another_state(redis: Store) -> None:
    log = Log(redis)
    log.many(5)
    part = redis.partition(0)
    body = changes_since(part, at(2), 1).events[0].body
    assert changes_since(part, at(3), 10, body).gap is None
    log = Log(redis)
    log.commit(*(move("somebody else") for _ in range(9)))
    found = changes_since(part, at(3), 10, body)
    assert (found.events, found.gap, found.after) == ([], "rewound", at(9))


@pytest.mark.parametrize("most", [1, 3, 100])
def test_a_flood_of_rejects_pushes_out_no_move_and_is_a_gap_for_those_who_read_rejects(redis: Store, most: int) -> None:
    log = Log(redis, keep=5)
    for _ in range(4):
        log.commit(move("a"), *(reject("bad") for _ in range(9)))
    part, begin = redis.partition(0), beginning(redis.partition(0))
    kept = [1, 11, 21, 31, *range(32, 41)]
    assert [change.sequence for change in part.changes()] == kept
    assert (begin.before_oldest, begin.complete_after, begin.trimmed) == (at(0), at(30), {Topic.REJECTS: at(30)})
    for number in range(41):
        last, found = at(number), list[int]()
        known: Trimmed = {}
        while (since := changes_since(part, last, most, b"", known)).events:
            # Said once, however many requests it takes.
            assert since.missing == ({Topic.REJECTS: at(30)} if number < 30 and not found else {})
            if since.gap:
                assert since.gap_event(last).value["upto"] == "0-0-30"
            last, known = since.events[-1].id, since.trimmed
            found += [event.id.sequence for event in since.events]
        assert found == [one for one in kept if one > number]


def at(number: int) -> ChangeId:
    """Return a change of the first epoch."""
    return ChangeId(0, 0, number)
