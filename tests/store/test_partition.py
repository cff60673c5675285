from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from crm_online.errors import HoleInLog, PositionMoved, StateCorrupt, StateMissing, StoreRefused, StoreUnavailable
from crm_online.step import Append, Assign, ChangeId, Drop, Entry, Put, Remove, Replace, Shorten, Step, Topic, Write
from crm_online.store import PartitionStore, Store, open_store, reads
from crm_online.store.binary import Binary
from crm_online.store.entries import encode
from tests.servers.embedded import commits_and_sequence, emptied


@pytest.fixture
def store(only_binary: Binary, tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "state") as store:
        yield store


def step(begin: int, end: int, writes: list[Write], *entries: Entry, published: int = 0) -> Step:
    return Step(0, "log", begin, end, begin, writes, entries, published)


def entry(sequence: int) -> Entry:
    return Entry(Topic.RULES, f"r{sequence}", b"{}", ChangeId(0, 0, sequence))


def everything(tmp_path: Path) -> dict[bytes, bytes]:
    with redis.Redis(unix_socket_path=str(tmp_path / "state/redis/redis.sock")) as client:
        return {key: client.dump(key) for key in sorted(client.keys())}


def test_each_kind_of_write_does_what_it_says(store: Store) -> None:
    partition = store.partition(0)
    assert (partition.claim("a"), commits_and_sequence(partition)) == ({}, (0, 0))
    partition.commit(
        step(
            0,
            5,
            [
                Put("customers", {b"a": b"1", b"b": b"2", b"c": b"3"}),
                Remove("customers", [b"b", b"x"]),
                Append("roster", [b"a", b"b", b"c"]),
                Shorten("roster", 1),
                Assign("roster", 1, b"C"),
                Replace("model", b"m"),
                Append("gone", [b"1"]),
                Drop("gone"),
                Append("due:3", []),
            ],
            entry(1),
            entry(2),
        )
    )
    assert dict(partition.hash_all("customers")) == {b"a": b"1", b"c": b"3"}
    assert partition.hash_get("customers", [b"c", b"b", b"a"]) == [b"3", None, b"1"]
    assert list(partition.list_all("roster", chunk=1)) == partition.list_range("roster", 0, -1) == [b"b", b"C"]
    assert (partition.list_places("roster", b"C"), partition.list_places("roster", b"x")) == ([1], [])
    assert (partition.value("model"), partition.value("nothing")) == (b"m", None)
    assert (partition.list_length("gone"), partition.hash_length("customers")) == (0, 2)
    assert partition.outbox() == [entry(1), entry(2)]
    assert (partition.claim("b"), commits_and_sequence(partition)) == ({"log": 5}, (1, 2))


def test_a_drop_lets_the_key_have_another_type(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    partition.commit(step(0, 1, [Append("k", [b"1"])]))
    partition.commit(step(1, 2, [Drop("k"), Put("k", {b"a": b"1"})]))
    assert partition.hash_get("k", [b"a"]) == [b"1"]


def test_the_outbox_is_trimmed_by_what_was_published(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    partition.commit(step(0, 1, [], entry(1), entry(2), entry(3)))
    partition.commit(step(1, 2, [], entry(4), published=2))
    assert [e.sequence for e in partition.outbox()] == [3, 4]
    assert [e.sequence for e in partition.outbox(after=3)] == [4]
    assert [e.sequence for e in partition.outbox(most=1)] == [3]
    assert partition.outbox(after=9) == []
    partition.commit(step(2, 3, [], published=1))
    assert (partition.trim(1), partition.trim(3), partition.trim(99), partition.trim(99)) == (0, 1, 1, 0)
    partition.commit(step(3, 4, [], entry(5), published=4))
    assert partition.outbox() == [entry(5)]


def test_the_last_changes_are_kept_whatever_was_published(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")

    def commit(begin: int, *sequences: int, published: int = 0, keep: int = 4) -> None:
        entries = [entry(sequence) for sequence in sequences]
        partition.commit(Step(0, "log", begin, begin + 1, begin, [], entries, published, keep))

    def kept() -> list[int]:
        return [e.sequence for e in partition.changes()]

    commit(0, 1, 2, 3)
    commit(1, 4, published=3)
    assert ([e.sequence for e in partition.outbox()], kept()) == ([4], [1, 2, 3, 4])
    partition.trim(4)
    commit(2, published=4)
    assert (partition.outbox(), kept()) == ([], [1, 2, 3, 4]), "a step without changes drops none"
    commit(3, 5, 6)
    assert (kept(), partition.changes(at(4)), partition.changes(at(1), most=1)) == (
        [3, 4, 5, 6],
        [entry(5), entry(6)],
        [entry(3)],
    )
    commit(4, *range(7, 13))
    assert kept() == [7, 8, 9, 10, 11, 12], "a step is kept whole even if it is longer than what is kept"
    commit(5, 13, keep=2)
    assert (kept(), partition.changes(at(13)), partition.changes(at(99))) == ([12, 13], [], [])


def test_a_state_that_kept_no_changes_yet_begins_to_keep_them(store: Store, tmp_path: Path) -> None:
    partition = store.partition(0)
    partition.claim("a")
    partition.commit(step(0, 1, [], entry(1), entry(2)))
    with redis.Redis(unix_socket_path=str(tmp_path / "state/redis/redis.sock")) as client:
        client.delete("{crm:0}:changes:rules")  # as an older version left it
    assert partition.changes(at(1)) == []
    partition.commit(step(1, 2, [], entry(3)))
    assert (partition.changes(at(1)), partition.changes(at(2)), partition.changes(at(3))) == (
        [entry(3)],
        [entry(3)],
        [],
    )


def test_a_kept_change_can_be_blanked_in_a_commit_that_tells_more(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    partition.commit(step(0, 1, [], *(entry(at) for at in (1, 2, 3))))
    blanked = Entry(Topic.RULES, "", b"{}", ChangeId(0, 0, 2), True)
    blanks: list[Write] = [Assign("changes:rules", 1, encode(blanked))]
    partition.commit(Step(0, "log", 1, 2, 1, blanks, [entry(4)], 0, 3))
    assert partition.changes() == [blanked, entry(3), entry(4)]
    assert partition.outbox() == [entry(at) for at in (1, 2, 3, 4)]


@pytest.mark.parametrize("gap", [[entry(2)], [entry(1), entry(3)]])
def test_a_gap_in_the_sequence_is_refused(store: Store, gap: list[Entry]) -> None:
    partition = store.partition(0)
    partition.claim("a")
    with pytest.raises((PositionMoved, HoleInLog)):
        partition.commit(step(0, 1, [], *gap))
    assert (partition.outbox(), partition.positions()) == ([], {})


@pytest.mark.parametrize(
    "bad",
    [Put("roster", {b"a": b"1"}), Replace("roster", b""), Append("customers", [b"1"]), Assign("roster", 5, b"x")],
    ids=["hash on list", "value on list", "list on hash", "index too high"],
)
def test_a_write_that_cannot_be_done_leaves_nothing_of_its_step(store: Store, tmp_path: Path, bad: Write) -> None:
    partition = store.partition(0)
    partition.claim("a")
    partition.commit(step(0, 1, [Append("roster", [b"1"]), Put("customers", {b"a": b"1"})], entry(1)))
    before = everything(tmp_path)
    with pytest.raises(StateCorrupt):
        partition.commit(step(1, 2, [Replace("model", b"m"), Append("roster", [b"2"]), bad], entry(2)))
    assert everything(tmp_path) == before
    partition.commit(step(1, 2, [Replace("model", b"m")], entry(2)))


@pytest.mark.parametrize(
    "write",
    [
        Put("positions", {b"log": b"9"}),
        Drop("outbox"),
        Append("changes:rules", [b""]),
        Put("meta", {b"another": b""}),
        Remove("meta", [b"sequence"]),
        Drop("meta"),
        Assign("roster", -1, b""),
        Shorten("roster", -1),
    ],
)
def test_a_step_may_not_write_what_is_the_stores_own(store: Store, write: Write) -> None:
    partition = store.partition(0)
    partition.claim("a")
    with pytest.raises(StoreRefused):
        partition.commit(step(0, 1, [write]))


def test_a_commit_may_be_very_large(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    many = {b"%d" % n: b"v%d" % n for n in range(520_000)}  # more arguments than Redis 6.2 takes
    blobs = [bytes([n]) * (1 << 24) for n in range(4)]
    partition.commit(step(0, 1, [Put("customers", many), Append("counters", blobs)], entry(1)))
    assert partition.hash_length("customers") == len(many)
    some = [b"0", b"519999", b"123456"]
    assert partition.hash_get("customers", some) == [many[field] for field in some]
    assert sum(1 for _ in partition.hash_all("customers")) == len(many)
    assert list(partition.list_all("counters", chunk=2)) == blobs


def test_lists_of_any_length_around_the_chunk_size_come_through(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    for at, length in enumerate((3999, 4000, 4001, 8001)):
        values = [b"%d" % n for n in range(length)]
        partition.commit(step(at, at + 1, [Append(f"list{at}", values)]))
        assert partition.list_range(f"list{at}", 0, -1) == values


def test_partitions_do_not_see_each_other_and_are_read_together(store: Store) -> None:
    for number in range(3):
        partition = store.partition(number)
        partition.claim("a")
        value = b"%d" % number
        partition.commit(Step(number, "log", 0, 1, 0, [Put("customers", {b"c": value}), Append("l", [value])]))
    assert store.read_many([reads.hash_fields(n, "customers", [b"c"]) for n in range(4)]) == [
        [b"0"],
        [b"1"],
        [b"2"],
        [None],
    ]
    assert store.read_many([reads.list_part(n, "l", 0, -1) for n in range(2)]) == [[b"0"], [b"1"]]
    assert store.read_many([reads.positions(2)]) == [{"log": 1}]


def test_a_read_is_repeated_when_a_commit_came_between(store: Store) -> None:
    partition = store.partition(0)
    partition.claim("a")
    at = 0

    def while_moving(p: PartitionStore) -> list[bytes | None]:
        nonlocal at
        first = p.hash_get("h", [b"a"])
        if at < 3:
            # A tick: the position stays where it is.
            partition.commit(step(0, 0, [Put("h", {b"a": b"%d" % at, b"b": b"%d" % at})]))
            at += 1
        return first + p.hash_get("h", [b"b"])

    assert partition.consistent_read(while_moving) == [b"2", b"2"]
    at = -100
    with pytest.raises(StoreUnavailable, match="changed during each of 5"):
        partition.consistent_read(while_moving, tries=5)


def test_the_state_is_described_once(store: Store) -> None:
    with pytest.raises(StateMissing):
        store.meta()
    first = store.initialise(4, '{"k": 6}')
    assert (first.partitions, first.settings) == (4, '{"k": 6}')
    assert store.initialise(8, "{}") == first == store.meta()


def test_a_state_samples_by_a_secret_of_its_own_unless_it_must_repeat(redis: Store) -> None:
    keys = []
    for repeatable in (False, False, True):
        emptied(redis).initialise(2, "{}", repeatable=repeatable)
        described = redis.partition(1).state_meta()
        assert described == redis.meta()
        keys.append(redis.meta().sampling_key)
    assert len({*keys}) == 3
    assert [len(key) for key in keys] == [32, 32, 0]


def test_threads_may_share_a_store(store: Store) -> None:
    def work(number: int) -> None:
        partition = store.partition(number)
        partition.claim("a")
        for at in range(50):
            partition.commit(Step(number, "log", at, at + 1, at, [Append("l", [b"%d" % at])]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read_many([reads.list_length(n, "l") for n in range(4)]) == [50] * 4


def at(number: int) -> ChangeId:
    return ChangeId(0, 0, number)
