"""The changes since a change are found whatever happened to Redis since, and while more happens to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from crm_online.live.feeds.changes_since import before_oldest, changes_since
from crm_online.step import ChangeId, Entry
from crm_online.store import PartitionStore, Store
from crm_online.store.program import Fences
from tests.live.feeding import At, Log, move
from tests.servers.embedded import admin

ANY = [ChangeId(0, epoch, sequence) for epoch in range(4) for sequence in range(14)]


class Watched(PartitionStore):
    """A partition in which something happens between two reads."""

    def __init__(self, store: PartitionStore, at: int, happens: Callable[[], object]) -> None:
        super().__init__(store._client, store.partition, Fences())
        self._at, self._happens = at, happens

    def changes(self, after: int = 0, most: int | None = None) -> list[Entry]:
        self._next()
        return super().changes(after, most)

    def hash_get(self, name: str, fields: Sequence[bytes]) -> list[bytes | None]:
        self._next()
        return super().hash_get(name, fields)

    def _next(self) -> None:
        self._at -= 1
        if self._at == 0:
            self._happens()


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
        client.ltrim("{crm:0}:changes", -keep, -1)
    kept, gone = ids[-keep:], ids[:-keep]
    assert [entry.sequence for entry in redis.partition(0).changes()] == [one.sequence for one in kept]
    for last in ANY:
        for most in (1, 2, 5, 100):
            found = changes_since(redis.partition(0), last, most)
            higher = [one for one in kept if one > last]
            assert [event.id for event in found.events] == higher[:most]
            if gone and last < kept[0]:
                before = kept[0].previous
                assert (found.gap, found.after) == (None if before == last else "trimmed", before)
            elif last > ids[-1]:
                assert (found.gap, found.after) == ("rewound", ids[-1])
            else:
                assert (found.gap, found.after) == (None, last)


def test_a_state_that_kept_none_is_a_gap_or_nothing(redis: Store) -> None:
    log = Log(redis)
    part = redis.partition(0)
    assert before_oldest(part) == at(0)
    found = changes_since(part, at(0), 10)
    assert (found.events, found.gap, found.after) == ([], None, at(0))
    assert changes_since(part, at(7), 10).gap == "rewound"
    log.many(3)
    with admin(redis) as client:
        client.delete("{crm:0}:changes")
    assert before_oldest(part) == at(3)
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


@pytest.mark.parametrize("last", [(0, 0), (0, 1), (0, 3), (0, 4), (0, 9), (0, 12), (1, 5)])
def test_whatever_is_trimmed_between_two_reads_is_found_or_in_a_gap(redis: Store, last: At) -> None:
    since = ChangeId(0, *last)
    for moment in range(1, 12):
        log = Log(redis, keep=6)
        log.many(9)
        found = changes_since(Watched(redis.partition(0), moment, partial(log.many, 3)), since, 100)
        ids = [event.id for event in found.events]
        if found.gap == "rewound":
            assert since.epoch == 1 or since.sequence > 9
            continue
        first = (since if found.gap is None else found.after).sequence + 1
        assert ids == [at(number) for number in range(first, first + len(ids))] or since.epoch == 1
        assert found.gap is None or found.after > since


def test_the_first_changes_of_a_state_that_come_between_two_reads_are_not_passed_over(redis: Store) -> None:
    for moment in range(1, 6):
        log = Log(redis)
        happening = Watched(redis.partition(0), moment, partial(log.many, 3))
        found = changes_since(happening, at(0), 100)
        assert found.gap is None
        assert [event.id for event in found.events] in ([], [at(1), at(2), at(3)])


def at(number: int) -> ChangeId:
    """Return a change of the first epoch."""
    return ChangeId(0, 0, number)
