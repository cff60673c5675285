"""A state on a real Redis Cluster: partitions on all its masters, and what happens to a cluster that runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from crm_online.errors import FenceError, OwnerLost, StoreRefused, StoreUnavailable
from crm_online.step import Append, ChangeId, Entry, Put, Step, Topic
from crm_online.store import PartitionStore, Store, open_store, reads
from crm_online.store.binary import Binary
from tests.command import printed
from tests.servers.embedded import commits_and_sequence
from tests.servers.masters import Masters, masters, wait_for

PARTITIONS = range(4)


@pytest.fixture
def cluster(binary: Binary, tmp_path: Path) -> Iterator[Masters]:
    with masters(binary, tmp_path) as cluster:
        yield cluster


def step(partition: int, at: int) -> Step:
    mark = b"%d" % at
    entry = Entry(Topic.RULES, "r", mark, ChangeId(partition, 0, at + 1))
    return Step(partition, "log", at, at + 1, at, [Append("l", [mark]), Put("h", {b"last": mark})], [entry])


def steps_in(partition: PartitionStore) -> int:
    """Give how many steps the state is of; fails if one is lost, twice there, or there in part."""
    count = partition.claim("reader").get("log", 0)
    marks = [b"%d" % at for at in range(count)]
    assert partition.list_range("l", 0, -1) == marks
    assert partition.hash_get("h", [b"last"]) == [marks[-1] if marks else None]
    assert commits_and_sequence(partition) == (count, count)
    assert [entry.value for entry in partition.outbox()] == marks
    assert partition.changes() == partition.outbox()
    return count


class Stepping(threading.Thread):
    """A worker that commits step after step to a partition; where Redis cannot be reached, it claims again."""

    def __init__(self, store: Store, partition: int) -> None:
        super().__init__(daemon=True)
        self.partition, self.done, self.unreached, self.refused = store.partition(partition), 0, 0, 0
        self._ended = threading.Event()

    def run(self) -> None:
        at = -1
        while not self._ended.is_set():
            try:
                if at < 0:
                    at = self.partition.claim("worker").get("log", 0)
                self.partition.commit(step(self.partition.partition, at))
                at += 1
                self.done += 1
            except StoreUnavailable:
                self.unreached += 1
                at = -1
            except FenceError:
                self.refused += 1
                at = -1

    def more(self, steps: int = 20) -> None:
        """Wait until it has done so many steps more."""
        enough = self.done + steps
        wait_for(lambda: self.done >= enough)

    def end(self) -> None:
        self._ended.set()
        self.join(60)
        assert not self.is_alive()


@pytest.fixture
def stepping() -> Iterator[Callable[[Store, int], Stepping]]:
    workers: list[Stepping] = []

    def start(store: Store, partition: int) -> Stepping:
        worker = Stepping(store, partition)
        workers.append(worker)
        worker.start()
        worker.more()
        return worker

    yield start
    for worker in workers:
        worker.end()


def test_partitions_lie_on_all_masters_and_are_claimed_committed_and_read_together(cluster: Masters) -> None:
    with open_store(cluster.url) as store:
        assert store.durable
        assert store.initialise(4, "{}").partitions == 4
        for number in PARTITIONS:
            partition = store.partition(number)
            partition.claim("a")
            partition.commit(step(number, 0))
            for node in cluster.nodes:
                node("SCRIPT", "FLUSH")  # a master that never saw the script
            partition.commit(step(number, 1))
            with pytest.raises(OwnerLost):
                store.partition(number).commit(step(number, 2))
        assert {cluster.owner(number).port for number in PARTITIONS} == {node.port for node in cluster.nodes}
        many = [reads.hash_fields(n, "h", [b"last"]) for n in PARTITIONS for _ in range(600)]
        assert store.read_many(many) == [[b"1"]] * 2400
        assert store.read_many([reads.positions(n) for n in PARTITIONS]) == [{"log": 2}] * 4
        assert [steps_in(store.partition(number)) for number in PARTITIONS] == [2] * 4
        assert store.partition(3).consistent_read(lambda partition: list(partition.hash_all("h"))) == [(b"last", b"1")]
        assert (store.partition(2).trim(1), len(store.partition(2).outbox())) == (1, 1)


@pytest.mark.slow
def test_a_shop_on_a_cluster_is_the_same_as_in_a_folder(cluster: Masters, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    year = printed(tmp_path, "simulate", "--customers", "300", "--events", "3000", "--seed", "5").splitlines()
    log.write_text("\n".join(year[:800]))
    verified = {}
    for state in (cluster.url, "folder"):
        printed(tmp_path, "replay", str(log), "--state", state, "--set", "replay.partitions=4", "--set",
                "segments.min_customers=50")  # fmt: skip
        verified[state] = json.loads(printed(tmp_path, "verify", "--state", state, "--json"))
        printed(tmp_path, "export", f"out-{state[:5]}", "--state", state)
    assert verified[cluster.url]["ok"]
    assert verified[cluster.url]["customers"] > 0
    assert verified[cluster.url]["digest"] == verified["folder"]["digest"]
    one, other = (pd.read_parquet(tmp_path / name / "customers.parquet") for name in ("out-redis", "out-folde"))
    pd.testing.assert_frame_equal(one, other)


def test_a_partition_is_read_and_waited_for_while_its_slot_moves(
    cluster: Masters, stepping: Callable[[Store, int], Stepping]
) -> None:
    with open_store(cluster.url) as store:
        worker, other = stepping(store, 1), stepping(store, 2)
        source = cluster.owner(1)
        target = next(node for node in cluster.nodes if node is not source)
        moving = cluster.begin_move(1, target)
        assert moving == [
            b"{crm:1}:" + name for name in (b"changes:rules", b"h", b"l", b"meta", b"outbox", b"positions")
        ]
        for key in moving[:-1]:
            # Now neither master has all that a commit writes to: commits wait, reads go to where their key is.
            cluster.move_key(key, source, target)
            at = store.partition(1).positions()["log"]
            assert store.read_many([reads.list_length(1, "l"), reads.hash_length(1, "h")]) == [at, 1]
            assert store.partition(1).hash_get("h", [b"last"]) == [b"%d" % (at - 1)]
        other.more()
        cluster.move_key(moving[-1], source, target)
        worker.more()  # by ASK
        cluster.end_move(1, target, source)
        worker.more()
        worker.end()
        other.end()
        assert cluster.owner(1) is target
        assert (worker.unreached, worker.refused) == (0, 0)
        assert steps_in(store.partition(1)) == worker.done
        assert steps_in(store.partition(2)) == other.done


def test_a_slot_may_move_to_a_server_that_is_new_in_the_cluster(
    cluster: Masters, stepping: Callable[[Store, int], Stepping]
) -> None:
    with open_store(cluster.url) as store:
        worker = stepping(store, 0)
        source, target = cluster.owner(0), cluster.add()
        for key in cluster.begin_move(0, target):
            cluster.move_key(key, source, target)
        assert store.partition(0).positions()["log"] > 0
        cluster.end_move(0, target, source)
        worker.more()
        worker.end()
        assert steps_in(store.partition(0)) == worker.done


def test_a_replica_that_takes_over_goes_on_where_the_master_was(
    cluster: Masters, stepping: Callable[[Store, int], Stepping]
) -> None:
    with open_store(cluster.url) as store:
        worker = stepping(store, 2)
        replica = cluster.add_replica(cluster.owner(2))
        worker.more()
        replica("CLUSTER", "FAILOVER")
        wait_for(lambda: cluster.owner(2) is replica)
        worker.more()
        worker.end()
        assert steps_in(store.partition(2)) >= worker.done


def test_after_the_death_of_a_master_its_replica_goes_on_with_whole_steps(
    cluster: Masters, stepping: Callable[[Store, int], Stepping]
) -> None:
    with open_store(cluster.url) as store:
        replica = cluster.add_replica(cluster.owner(2))
        worker = stepping(store, 2)
        cluster.owner(2).kill()
        worker.more()
        worker.end()
        assert worker.unreached
        assert cluster.owner(2) is replica
        # What had not reached the replica is done again, from the position there.
        assert steps_in(store.partition(2)) > 20


def test_a_master_killed_and_started_again_has_lost_nothing(
    cluster: Masters, stepping: Callable[[Store, int], Stepping]
) -> None:
    with open_store(cluster.url) as store:
        workers = [stepping(store, number) for number in PARTITIONS]
        killed = cluster.owner(1)
        killed.kill()
        wait_for(lambda: workers[1].unreached > 0)
        with pytest.raises(StoreUnavailable, match=f":{killed.port} (cannot be reached|has no answer)|cluster is down"):
            store.partition(1).positions()
        killed.start()
        cluster.wait()
        for worker in workers:
            worker.more()
        for worker in workers:
            worker.end()
            assert steps_in(worker.partition) >= worker.done
            assert worker.refused == 0


def test_a_commit_that_a_hung_master_answers_too_late_is_done_once_and_the_next_claim_says_so(cluster: Masters) -> None:
    with open_store(cluster.url, answer_seconds=0.5) as store:
        partition = store.partition(3)
        partition.claim("a")
        partition.commit(step(3, 0))
        hung = cluster.owner(3)
        hung.suspend()
        with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{hung.port} does not answer in time"):
            partition.commit(step(3, 1))
        hung.resume()
        cluster.wait()
        assert steps_in(partition) == 2


def test_any_node_opens_the_cluster_but_not_by_its_socket(cluster: Masters) -> None:
    cluster.add_replica(cluster.nodes[0])
    for at, node in enumerate(cluster.nodes):
        with open_store(node.url) as store:
            partition = store.partition(3)
            partition.claim("a")
            partition.commit(step(3, at))
    message = "give the redis:// URL of one of its nodes"
    with pytest.raises(StoreRefused, match=message), open_store(f"unix://{cluster.nodes[0].socket}"):
        pass


def test_every_master_is_looked_at(cluster: Masters) -> None:
    for node in cluster.nodes:
        node("CONFIG", "SET", "appendfsync", "everysec")
        with open_store(cluster.url) as store:
            assert not store.durable
        node("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        message = rf"^Redis at 127.0.0.1:{node.port} may throw state away"
        with pytest.raises(StoreRefused, match=message), open_store(cluster.url):
            pass
        node("CONFIG", "SET", "maxmemory-policy", "noeviction")
        node("CONFIG", "SET", "appendfsync", "always")
