"""TLS for real, and a user with no more rights than crm-online needs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from crm_online.errors import StoreError, StoreRefused, StoreUnavailable
from crm_online.step import Append, Assign, ChangeId, Drop, Entry, Put, Remove, Replace, Shorten, Step, Topic, Write
from crm_online.store import Store, open_store, reads
from crm_online.store.binary import Binary, binaries
from tests.command import crm_online, printed
from tests.servers import certificates
from tests.servers.certificates import Certificates
from tests.servers.embedded import commits_and_sequence
from tests.servers.masters import masters
from tests.servers.redis_server import RedisServer

StartServer = Callable[..., RedisServer]
StartSecured = Callable[..., int]

RIGHTS = (
    "+get +set +del +type +hget +hset +hmget +hgetall +hdel +hincrby +hlen +hscan +rpush +llen +lset +ltrim +lrange "
    "+lpos +multi +exec +eval +evalsha +info +config|get"
)
"""The rights that docs/operations.md names; a cluster needs those below as well."""

IN_A_CLUSTER = "+cluster|slots +asking"


def make_user(admin: redis.Redis, rights: str, keys: str = "~{crm*") -> None:
    admin.acl_setuser("crm", enabled=True, reset=True, passwords="+s3cret", keys=[keys[1:]], commands=rights.split())


def as_user(state: str) -> str:
    return state.replace("//", "//crm:s3cret@")


def use_all_of(store: Store) -> None:
    """Do everything with a store that it can do."""
    store.initialise(1, "{}")
    partition = store.partition(0)
    at = partition.claim("a").get("log", 0)
    _, sequence = commits_and_sequence(partition)
    writes: list[Write] = [
        *(Put("h", {b"a": b"1", b"b": b"2"}), Remove("h", [b"b"]), Append("l", [b"x", b"y"]), Assign("l", 0, b"z")),
        *(Shorten("l", 1), Replace("v", b"v"), Append("gone", [b"1"]), Drop("gone")),
    ]
    entries = [Entry(Topic.RULES, "r", b"{}", ChangeId(0, 0, sequence + more)) for more in (1, 2)]
    partition.commit(Step(0, "log", at, at + 1, at, writes, entries, published=sequence))
    assert dict(partition.hash_all("h")) == {b"a": b"1"}
    assert (partition.hash_get("h", [b"a"]), partition.hash_length("h")) == ([b"1"], 1)
    assert partition.list_places("l", b"y")
    assert partition.list_length("l") == len(list(partition.list_all("l")))
    assert (partition.value("v"), partition.positions()) == (b"v", {"log": at + 1})
    together = partition.together(reads.plain_value(0, "v"), reads.hash_whole(0, "h"), reads.list_part(0, "l", 0, 0))
    assert together == (b"v", {b"a": b"1"}, [partition.list_range("l", 0, 0)])
    assert len(partition.outbox()) == 2
    assert partition.changes(ChangeId(0, 0, sequence)) == entries
    assert partition.trim(sequence + 2) == 2
    assert store.read_many([reads.hash_whole(0, "h")]) == [{b"a": b"1"}]
    assert partition.consistent_read(lambda each: each.value("v")) == b"v"


def has_tls(binary: Binary) -> bool:
    """Tell whether a redis-server was built with TLS: one without it does not know the option."""
    done = subprocess.run(
        [binary.path, "--port", "0", "--tls-replication", "nonsense"], capture_output=True, text=True, check=False
    )
    return "must be 'yes' or 'no'" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates for localhost and 127.0.0.1."""
    return certificates.make(tmp_path_factory.mktemp("ours"))


def url(port: int, host: str = "localhost", user: str = "crm:s3cret", **files: Path) -> str:
    return f"rediss://{user}@{host}:{port}?" + "&".join(f"ssl_{option}={file}" for option, file in files.items())


@pytest.fixture
def start_secured(start_server: StartServer, ours: Certificates) -> Callable[..., int]:
    """Start a Redis that speaks TLS only, with the user of the docs; give its port."""

    def start(**options: str) -> int:
        server = start_server(
            **{"tls_auth_clients": "no"} | options,
            bind="127.0.0.1 127.0.0.2",
            tls_cert_file=str(ours.server),
            tls_key_file=str(ours.server_key),
            tls_ca_cert_file=str(ours.authority),
        )
        make_user(server.admin, RIGHTS)
        server.admin.config_set("port", 0)
        server.admin.config_set("tls-port", server.port)
        return server.port

    return start


with_tls = pytest.mark.parametrize(
    "binary", [found for found in binaries() if has_tls(found)][:1] or [None], indirect=True, ids=["tls"]
)


@with_tls
def test_a_state_behind_tls_is_used_by_the_user_of_the_docs(start_secured: StartSecured, ours: Certificates) -> None:
    port = start_secured()
    for host in ("localhost", "127.0.0.1"):
        with open_store(url(port, host, ca_certs=ours.authority)) as store:
            assert store.durable
            use_all_of(store)


@with_tls
def test_a_wrong_certificate_is_named(start_secured: StartSecured, ours: Certificates, tmp_path: Path) -> None:
    port, theirs = start_secured(), certificates.make(tmp_path / "theirs")
    for wrong, message in (
        (url(port), f"localhost:{port} shows a certificate that is not trusted (ssl_ca_certs in the URL)"),
        (
            url(port, ca_certs=theirs.authority),
            f"localhost:{port} shows a certificate that is not trusted (ssl_ca_certs in the URL)",
        ),
        (url(port, "127.0.0.2", ca_certs=ours.authority), f"127.0.0.2:{port} shows the certificate of another host"),
    ):
        with pytest.raises(StoreUnavailable) as refusal, open_store(wrong):
            pass
        assert str(refusal.value) == f"Redis at {message}"


@with_tls
def test_a_certificate_of_ours_is_shown_where_redis_wants_one(start_secured: StartSecured, ours: Certificates) -> None:
    port = start_secured(tls_auth_clients="yes")
    shown = url(port, ca_certs=ours.authority, certfile=ours.client, keyfile=ours.client_key)
    with open_store(shown) as store:
        use_all_of(store)
    # What breaks the connection depends on who is faster.
    message = r"may want a certificate of ours|cannot be reached"
    with pytest.raises(StoreUnavailable, match=message), open_store(url(port, ca_certs=ours.authority)):
        pass


@with_tls
def test_a_url_with_a_file_that_is_not_there_or_an_option_that_nobody_knows_is_named(
    start_secured: StartSecured, tmp_path: Path
) -> None:
    port = start_secured()
    missing = tmp_path / "none.pem"
    for wrong, message in (
        (url(port, ca_certs=missing), f"a file that is not there: ssl_ca_certs={missing}"),
        (url(port, nonsense=missing), "cannot be read (escape signs in the password, and look at the options)"),
    ):
        with pytest.raises(StoreError) as refusal, open_store(wrong):
            pass
        assert message in str(refusal.value)
        assert "s3cret" not in str(refusal.value)


@pytest.mark.slow
@with_tls
def test_all_commands_work_behind_tls_with_the_rights_of_the_docs(
    start_secured: StartSecured, ours: Certificates, tmp_path: Path
) -> None:
    port = start_secured()
    state = url(port, ca_certs=ours.authority)
    log = tmp_path / "log.jsonl"
    log.write_text(printed(tmp_path, "simulate", "--customers", "300", "--events", "3000", "--seed", "5"))
    printed(tmp_path, "replay", str(log), "--state", state, "--set", "segments.min_customers=50")
    for command in (("verify",), ("segments",), ("rules",), ("export", "out")):
        printed(tmp_path, *command, "--state", state)
    done = crm_online(tmp_path, "segments", "--state", url(port, user="crm:wr0ng", ca_certs=ours.authority))
    assert done.returncode == 2
    message = f"crm-online: Redis at localhost:{port} does not accept this user name and password"
    assert done.stderr.splitlines() == [message]


@pytest.mark.parametrize("missing", [right for right in RIGHTS.split() if right != "+config|get"])
def test_each_right_is_needed_and_a_missing_one_is_named_in_a_line(start_server: StartServer, missing: str) -> None:
    server = start_server()
    make_user(server.admin, " ".join(right for right in RIGHTS.split() if right != missing))
    # Redis does not say which command of a script it was.
    message = f"^Redis at localhost:{server.port} does not let this user run ({missing[1:]}|what a commit runs) "
    with pytest.raises(StoreRefused, match=message), open_store(as_user(server.url)) as store:
        use_all_of(store)


def test_without_the_right_to_read_settings_a_state_is_used_but_not_called_durable(start_server: StartServer) -> None:
    server = start_server()
    make_user(server.admin, RIGHTS.replace("+config|get", ""))
    with open_store(as_user(server.url)) as store:
        assert not store.durable
        use_all_of(store)


def test_a_right_that_is_missing_in_a_commit_is_missed_at_the_claim(start_server: StartServer) -> None:
    server = start_server()
    in_commits = ("set", "type", "del", "hset", "hget", "hmget", "hdel", "rpush", "llen", "lset", "ltrim")
    for command in in_commits:
        make_user(server.admin, RIGHTS.replace(f"+{command} ", ""))
        with open_store(as_user(server.url)) as store, pytest.raises(StoreRefused):
            store.partition(0).claim("a")


def test_keys_of_others_stay_theirs_and_ours_must_be_open(start_server: StartServer) -> None:
    server = start_server()
    make_user(server.admin, RIGHTS, "~other*")
    with pytest.raises(StoreRefused, match=r"not let this user at all keys \{crm\*"), open_store(as_user(server.url)):
        pass


def test_on_a_cluster_the_user_needs_two_rights_more(binary: Binary, tmp_path: Path) -> None:
    with masters(binary, tmp_path) as cluster:
        state = as_user(cluster.url)
        for node in cluster.nodes:
            make_user(node.admin, f"{RIGHTS} {IN_A_CLUSTER}")
        with open_store(state) as store:
            use_all_of(store)
            source, target = cluster.owner(0), cluster.nodes[0]
            for key in cluster.begin_move(0, target):
                cluster.move_key(key, source, target)
                assert store.partition(0).positions() == {"log": 1}
            for node in cluster.nodes:
                make_user(node.admin, RIGHTS + " +cluster|slots")
            with pytest.raises(StoreRefused, match="does not let this user run asking"):
                store.partition(0).positions()
        make_user(cluster.nodes[0].admin, RIGHTS)
        with pytest.raises(StoreRefused, match="does not let this user run cluster"), open_store(state):
            pass
