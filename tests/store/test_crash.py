"""A commit is whole after a kill -9 of redis-server at any moment, and at any length of what reached the disk."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from crm_online.errors import StateCorrupt, StoreRefused, StoreUnavailable
from crm_online.step import Append, Assign, ChangeId, Entry, Put, Replace, Shorten, Step, Topic, Write
from crm_online.store import PartitionStore, open_store
from tests.servers.embedded import commits_and_sequence
from tests.servers.redis_server import RedisServer

StartServer = Callable[..., RedisServer]

pytestmark = pytest.mark.usefixtures("only_binary")
SPREAD = 1500


def step(number: int) -> Step:
    """Give step ``number``: after it, each key tells the same number."""
    mark = b"%d" % (number + 1)
    writes: list[Write] = [
        Put("customers", {b"c%d" % at: mark for at in range(SPREAD)}),
        Append("list", [mark]),
        Replace("value", mark),
        Append("pair", [mark, mark]),
    ]
    writes += [Shorten("pair", 2), Assign("pair", 1, mark)] if number else []
    entries = [Entry(Topic.RULES, "r", mark, ChangeId(0, 0, 2 * number + more)) for more in (1, 2)]
    return Step(0, "log", 10 * number, 10 * number + 10, 10 * number, writes, entries, 2 * number - 4, 30)


def steps_in(partition: PartitionStore) -> int:
    """Give how many steps the state is of; fails if it is not of whole steps."""
    number = partition.claim("reader").get("log", 0) // 10
    mark = b"%d" % number
    assert commits_and_sequence(partition) == (number, 2 * number)
    values = set(dict(partition.hash_all("customers")).values())
    if number:
        assert values == {mark}
        assert partition.value("value") == mark
        assert partition.list_range("pair", 0, -1) == [mark, mark]
    else:
        assert (values, partition.value("value"), partition.list_length("pair")) == (set(), None, 0)
    assert partition.list_range("list", 0, -1) == [b"%d" % (at + 1) for at in range(number)]
    kept = [entry.sequence for entry in partition.outbox()]
    assert kept == list(range(max(1, 2 * number - 5), 2 * number + 1))
    assert [entry.sequence for entry in partition.changes()] == list(range(max(1, 2 * number - 29), 2 * number + 1))
    return number


def committed(folder: Path, steps: int) -> tuple[Path, str]:
    """Make a state of so many steps; return the file of its AOF, and its owner's token."""
    with open_store(folder) as store:
        partition = store.partition(0)
        partition.claim("worker")
        for number in range(steps):
            partition.commit(step(number))
    return max((folder / "redis").rglob("appendonly.aof*"), key=lambda path: path.stat().st_size), partition._token


def server_pid(folder: Path) -> int:
    return int((folder / "redis/redis.pid").read_text())


def test_a_killed_redis_comes_back_with_whole_steps_and_all_that_were_answered(tmp_path: Path) -> None:
    folder, moments, answered = tmp_path / "state", random.Random(7), 0
    for _ in range(20):
        with open_store(folder) as store:
            partition = store.partition(0)
            assert steps_in(partition) >= answered
            partition.claim("worker")
            answered, _ = commits_and_sequence(partition)
            for _ in range(2):  # however slow this machine is, some are answered
                partition.commit(step(answered))
                answered += 1
            killer = threading.Timer(moments.uniform(0.001, 0.06), os.kill, (server_pid(folder), signal.SIGKILL))
            killer.start()
            with pytest.raises(StoreUnavailable, match="has ended"):  # noqa: PT012
                while True:
                    partition.commit(step(answered))
                    answered += 1
            killer.join()
    assert answered >= 40


def test_an_aof_cut_at_any_byte_is_a_whole_number_of_steps(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    aof, _ = committed(folder, 4)
    whole = aof.read_bytes()
    begin = whole.index(b"customers") if b"customers" in whole else 0
    cuts = random.Random(3)
    found = set()
    for at in sorted({cuts.randrange(begin, len(whole)) for _ in range(24)} | {len(whole) - 1}):
        copy = tmp_path / "cut"
        shutil.copytree(folder, copy)
        (copy / aof.relative_to(folder)).write_bytes(whole[:at])
        with open_store(copy) as store:
            partition = store.partition(0)
            found.add(kept := steps_in(partition))
            partition.claim("worker")
            partition.commit(step(kept))
        # Redis itself leaves a torn MULTI in the file, and does it with the next EXEC when it reads the file again.
        with open_store(copy) as store:
            assert steps_in(store.partition(0)) == kept + 1
        shutil.rmtree(copy)
    assert found == {0, 1, 2, 3}


def test_a_state_to_which_redis_added_a_torn_commit_is_refused_and_its_aof_can_be_mended(
    tmp_path: Path, start_server: StartServer
) -> None:
    folder = tmp_path / "state"
    aof, token = committed(folder, 3)
    whole = aof.read_bytes()
    last = whole.rindex(b"*1\r\n$5\r\nMULTI\r\n")
    torn = [last + at for at in ends_of_commands(whole[last:])][1:-1]
    assert len(torn) > 8
    for cut in torn:
        # What an AOF holds when Redis cut it off within the last commit, and that was done again.
        aof.write_bytes(whole[:cut] + whole[last:])
        with open_store(folder) as store:
            partition = store.partition(0)
            partition._token = token
            with pytest.raises(StateCorrupt, match="part of a commit that was torn"):
                partition.commit(step(3))
            with pytest.raises(StateCorrupt, match="run redis-check-aof --fix over its AOF"):
                partition.claim("worker")
        server = start_server("state/redis")
        with open_store(server.url) as store:
            assert steps_in(store.partition(0)) == 2
        server.kill()


def ends_of_commands(aof: bytes) -> list[int]:
    """Give where each command of an AOF ends."""
    ends, at = [], 0
    while at < len(aof):
        for _ in range(int(aof[at + 1 : (at := aof.index(b"\r\n", at) + 2) - 2])):
            length = int(aof[at + 1 : (at := aof.index(b"\r\n", at) + 2) - 2])
            at += length + 2
        ends.append(at)
    return ends


def test_a_refused_commit_on_a_full_redis_leaves_nothing_and_the_next_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with open_store(folder) as store:
        partition = store.partition(0)
        partition.claim("worker")
        done = 0
        with redis.Redis(unix_socket_path=str(folder / "redis/redis.sock")) as admin:
            for room in range(0, 400_000, 20_000):
                used = int(admin.info("memory")["used_memory"])
                admin.config_set("maxmemory", used + room)
                with contextlib.suppress(StoreRefused):
                    partition.commit(step(done))
                    done += 1
                admin.config_set("maxmemory", 0)
                assert partition.positions().get("log", 0) == 10 * done
                values = set(dict(partition.hash_all("customers")).values())
                assert values == ({b"%d" % done} if done else set())
        assert steps_in(partition) == done
        assert 0 < done < 20
