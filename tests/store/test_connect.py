from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from crm_online.errors import StateCorrupt, StateTooNew, StateTooOld, StoreError, StoreRefused, StoreUnavailable
from crm_online.step import Append, Put, Step
from crm_online.store import open_store
from crm_online.store.keys import FORMAT, STATE

StartServer = Callable[..., Any]


def commit_one(url: str, size: int = 1) -> bool:
    with open_store(url) as store:
        partition = store.partition(0)
        at = partition.claim("a").get("log", 0)
        partition.commit(Step(0, "log", at, at + 1, at, [Append("l", [b"x" * size])]))
        return store.durable


@pytest.mark.parametrize(("appendfsync", "durable"), [("always", True), ("everysec", False)])
def test_a_store_knows_whether_its_commits_are_on_disk(
    start_server: StartServer, appendfsync: str, durable: bool
) -> None:
    server = start_server(appendfsync=appendfsync)
    assert commit_one(server.url) is durable
    assert commit_one(f"unix://{server.socket}") is durable
    assert commit_one(f"{server.url}/3?decode_responses=true&protocol=3") is durable


def test_a_redis_without_an_aof_is_not_durable(start_server: StartServer) -> None:
    assert commit_one(start_server(appendonly="no").url) is False


def test_where_config_is_kept_from_us_nothing_is_promised(start_server: StartServer) -> None:
    server = start_server()
    with redis.Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "managed", "on", ">pw", "~*", "+@all", "-config")
    assert commit_one(f"redis://managed:pw@localhost:{server.port}") is False


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_redis_that_may_evict_is_refused(start_server: StartServer, policy: str) -> None:
    with pytest.raises(StoreRefused, match=f"set its maxmemory-policy to noeviction, not {policy}"):
        commit_one(start_server(maxmemory_policy=policy).url)


def test_a_replica_is_refused(start_server: StartServer) -> None:
    server, replica = start_server(), start_server("replica")
    with redis.Redis(port=replica.port) as admin:
        admin.execute_command("REPLICAOF", "localhost", str(server.port))
        with pytest.raises(StoreRefused, match="read-only replica"):
            commit_one(replica.url)
        admin.execute_command("REPLICAOF", "NO", "ONE")


def test_a_redis_that_becomes_a_replica_refuses_the_commit(start_server: StartServer) -> None:
    server = start_server()
    with open_store(server.url) as store, redis.Redis(port=server.port) as admin:
        partition = store.partition(0)
        partition.claim("a")
        admin.execute_command("REPLICAOF", "localhost", "1")
        with pytest.raises(StoreRefused, match="read-only replica"):
            partition.commit(Step(0, "log", 0, 1, 0, [Append("l", [b"x"])]))
        admin.execute_command("REPLICAOF", "NO", "ONE")
        partition.commit(Step(0, "log", 0, 1, 0, [Append("l", [b"x"])]))


def test_a_full_redis_refuses_the_commit_and_keeps_what_it_has(start_server: StartServer) -> None:
    server = start_server()
    with open_store(server.url) as store, redis.Redis(port=server.port) as admin:
        partition = store.partition(0)
        partition.claim("a")
        partition.commit(Step(0, "log", 0, 1, 0, [Put("h", {b"a": b"1"})]))
        admin.config_set("maxmemory", "100kb")  # less than an empty Redis takes
        with pytest.raises(StoreRefused, match="is full"):
            partition.commit(Step(0, "log", 1, 2, 1, [Put("h", {b"a": b"2"})]))
        with pytest.raises(StoreRefused, match="is full"):
            store.partition(0).claim("b")
        assert partition.hash_get("h", [b"a"]) == [b"1"]
        admin.config_set("maxmemory", 0)
        partition.commit(Step(0, "log", 1, 2, 1, [Put("h", {b"a": b"2"})]))


def test_a_wrong_or_missing_password_is_refused_and_never_shown(start_server: StartServer) -> None:
    server = start_server(requirepass="right")
    assert commit_one(f"redis://:right@localhost:{server.port}")
    for url in (server.url, f"redis://:s3cret@localhost:{server.port}", f"redis://me:s3cret@localhost:{server.port}"):
        with pytest.raises(
            StoreRefused, match=f"Redis at localhost:{server.port} (wants a|does not accept)"
        ) as refusal:
            commit_one(url)
        assert "s3cret" not in str(refusal.value)


def test_a_user_who_may_not_do_all_is_refused_at_the_claim(start_server: StartServer) -> None:
    server = start_server()
    with redis.Redis(port=server.port) as admin:
        admin.execute_command("ACL", "SETUSER", "part", "on", ">pw", "~*", "+@all", "-ltrim")
    url = f"redis://part:pw@localhost:{server.port}"
    with open_store(url) as store, pytest.raises(StoreRefused, match="does not let this user"):
        store.partition(0).claim("a")


def test_no_server_is_reported_with_its_place_and_without_its_password() -> None:
    for url in ("redis://me:s3cret@localhost:1/0", "rediss://:s3cret@localhost:1", "unix:///tmp/no-such-socket"):
        with pytest.raises(StoreUnavailable, match=r"cannot be reached|does not answer") as refusal:
            commit_one(url)
        assert "s3cret" not in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_a_plain_port_that_is_asked_for_tls_is_refused_at_once(start_server: StartServer) -> None:
    with pytest.raises(StoreUnavailable, match="speaks no TLS at this port: say redis://"):
        commit_one(start_server().url.replace("redis://", "rediss://"))


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "redis://:s3c/ret@localhost:99x", "redis://host:port:1", "redis://h/abc", "rediss://h/0/1"],
)
def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(StoreError) as refusal:
        commit_one(url)
    assert "s3c" not in str(refusal.value)


@pytest.mark.parametrize(
    ("held", "refusal"),
    [
        (json.dumps({"format": FORMAT + 1, "anything": 1}), StateTooNew),
        (json.dumps({"format": FORMAT - 1, "anything": 1}), StateTooOld),
        (json.dumps({"format": FORMAT}), StateCorrupt),
        (json.dumps([1]), StateCorrupt),
        ("not JSON", StateCorrupt),
    ],
)
def test_a_state_of_another_format_is_refused(start_server: StartServer, held: str, refusal: type[StoreError]) -> None:
    server = start_server()
    with redis.Redis(port=server.port) as admin:
        admin.set(STATE, held)
    with pytest.raises(refusal):
        commit_one(server.url)


def test_a_broken_connection_in_a_commit_is_reported_and_the_next_opening_goes_on(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    with open_store(server.url) as store:
        partition = store.partition(0)
        partition.claim("a")
        partition.commit(Step(0, "log", 0, 1, 0, [Append("l", [b"x"])]))
        server.kill()
        with pytest.raises(StoreUnavailable):
            partition.commit(Step(0, "log", 1, 2, 1, [Append("l", [b"y"])]))
    again = start_server()
    with open_store(again.url) as store:
        assert store.partition(0).positions() == {"log": 1}


def test_loading_is_waited_for(start_server: StartServer) -> None:
    server = start_server()
    with redis.Redis(port=server.port) as admin:
        pipe = admin.pipeline(transaction=False)
        for number in range(10_000):
            pipe.set(f"other:{number}", b"x" * 20)
        pipe.execute()
    server.kill()
    again = start_server(key_load_delay="30")
    with redis.Redis(port=again.port) as admin:
        assert admin.info()["loading"] == 1
    # While it loads, Redis says that it has no AOF.
    assert commit_one(again.url)
