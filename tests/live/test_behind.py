"""What stands behind a mark is found whatever happened to Redis since, and while more happens to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from crm_online.live.feeds.behind import begin, behind
from crm_online.live.feeds.places import Mark
from crm_online.step import Entry
from crm_online.store import PartitionStore, Store
from crm_online.store.program import Fences
from tests.live.feeding import Log, move

ANY = [(epoch, sequence) for epoch in range(4) for sequence in range(14)]


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


def with_epochs(store: Store) -> list[Mark]:
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
    return [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6), (1, 7), (2, 8), (2, 9), (2, 10)]


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 6, 9, 10])
def test_behind_any_mark_stand_all_higher_ones_and_a_gap_says_that_some_are_missing(redis: Store, keep: int) -> None:
    marks = with_epochs(redis)
    redis._client.call("LTRIM", "{crm:0}:changes", -keep, -1)
    kept, gone = marks[-keep:], marks[:-keep]
    assert [entry.sequence for entry in redis.partition(0).changes()] == [sequence for _, sequence in kept]
    for mark in ANY:
        for most in (1, 2, 5, 100):
            found = behind(redis.partition(0), mark, most)
            told = [change.mark for change in found.changes]
            higher = [one for one in kept if one > mark]
            assert told == higher[:most]
            if gone and mark < kept[0]:
                before = (kept[0][0], kept[0][1] - 1)
                assert (found.missed, found.mark) == (None if before == mark else "trimmed", before)
            elif mark > marks[-1]:
                assert (found.missed, found.mark) == ("rewound", marks[-1])
            else:
                assert (found.missed, found.mark) == (None, mark)


def test_a_state_that_kept_none_says_what_it_knows(redis: Store) -> None:
    log = Log(redis)
    part = redis.partition(0)
    assert begin(part) == (0, 0)
    found = behind(part, (0, 0), 10)
    assert (found.changes, found.missed, found.mark) == ([], None, (0, 0))
    assert behind(part, (0, 7), 10).missed == "rewound"
    log.many(3)
    redis._client.call("DEL", "{crm:0}:changes")
    assert begin(part) == (0, 3)
    assert [behind(part, (0, number), 10).missed for number in range(5)] == [*["trimmed"] * 3, None, "rewound"]
    log.many(2)
    assert [change.mark for change in behind(part, (0, 3), 10).changes] == [(0, 4), (0, 5)]


def test_another_change_at_the_mark_is_another_state(redis: Store) -> None:
    log = Log(redis)
    log.many(5)
    part = redis.partition(0)
    body = behind(part, (0, 2), 1).changes[0].body
    assert behind(part, (0, 3), 10, body).missed is None
    log = Log(redis)
    log.tell(*(move("somebody else") for _ in range(9)))
    found = behind(part, (0, 3), 10, body)
    assert (found.changes, found.missed, found.mark) == ([], "rewound", (0, 9))


@pytest.mark.parametrize("mark", [(0, 0), (0, 1), (0, 3), (0, 4), (0, 9), (0, 12), (1, 5)])
def test_whatever_is_trimmed_between_two_reads_is_told_or_said_to_be_missing(redis: Store, mark: Mark) -> None:
    for at in range(1, 12):
        log = Log(redis, keep=6)
        log.many(9)
        found = behind(Watched(redis.partition(0), at, partial(log.many, 3)), mark, 100)
        marks = [change.mark for change in found.changes]
        if found.missed == "rewound":
            assert mark[0] == 1 or mark[1] > 9
            continue
        from_ = mark if found.missed is None else found.mark
        assert marks == [(0, number) for number in range(from_[1] + 1, from_[1] + 1 + len(marks))] or mark[0] == 1
        assert found.missed is None or found.mark > mark


def test_the_first_changes_of_a_state_that_come_between_two_reads_are_not_passed_over(redis: Store) -> None:
    for at in range(1, 6):
        log = Log(redis)
        happening = Watched(redis.partition(0), at, partial(log.many, 3))
        found = behind(happening, (0, 0), 100)
        assert found.missed is None
        assert [change.mark for change in found.changes] in ([], [(0, 1), (0, 2), (0, 3)])
