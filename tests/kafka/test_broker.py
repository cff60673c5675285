"""What the other tests stand on: the broker and Redis keep what they answered, and come back after any end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
from confluent_kafka import KafkaException

from tests.conftest import ROOT
from tests.servers.broker import USERS, Broker
from tests.servers.certificates import Certificates
from tests.servers.client import KafkaClient
from tests.servers.records import Compression, Sent
from tests.servers.redis_server import RedisServer

pytestmark = pytest.mark.slow
SOME = [Sent(b"k%d" % number, b"v%d" % number, (("n", b"%d" % number),), 1000 + number) for number in range(20)]


def test_records_come_back_as_they_were_written(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 4)
    places = broker.client.produce(topic, SOME)
    found = {(one.partition, one.offset): one for one in broker.client.read(topic)}
    for place, sent in zip(places, SOME, strict=True):
        one = found.pop(place)
        assert (one.key, one.value, one.headers, one.timestamp) == (sent.key, sent.value, sent.headers, sent.timestamp)
    assert not found
    assert sum(broker.client.end_offsets(topic).values()) == len(SOME)


def test_a_key_goes_where_other_clients_of_kafka_send_it(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 5)
    found = broker.client.produce(topic, [Sent(b"21", b""), Sent(b"foobar", b""), Sent(b"abc", b"", partition=0)])
    # Kafka's own tests of its partitioner: murmur2 of 21 is -973932308, of foobar -790332482.
    assert [partition for partition, _ in found] == [(-973932308 & 0x7FFFFFFF) % 5, (-790332482 & 0x7FFFFFFF) % 5, 0]


def test_null_keys_values_and_two_megabytes_pass(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events")
    broker.client.produce(topic, [Sent(None, b""), Sent(b"", None), Sent(b"k", bytes(2 << 20))])
    assert [(one.key, one.value) for one in broker.client.read(topic)] == [
        (None, b""),
        (b"", None),
        (b"k", bytes(2 << 20)),
    ]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_records_are_on_the_disk_as_such(broker: Broker, prefix: str, compression: Compression) -> None:
    topic = broker.client.create_topic(f"{prefix}events")
    broker.client.produce(topic, [Sent(b"k", b"crm" * 10_000)], compression=compression)
    [log] = (broker.folder / "data" / f"{topic}-0").glob("*.log")
    assert 0 < log.stat().st_size < 2_000
    assert [one.value for one in broker.client.read(topic)] == [b"crm" * 10_000]


def test_only_committed_transactions_are_read(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events")
    broker.client.produce(topic, SOME[:5], transaction=f"{prefix}t")
    broker.client.produce(topic, SOME[5:9], transaction=f"{prefix}t", commit=False)
    broker.client.produce(topic, SOME[9:10], transaction=f"{prefix}t")
    assert [one.value for one in broker.client.read(topic)] == [one.value for one in (*SOME[:5], SOME[9])]
    assert len(broker.client.read(topic, "read_uncommitted")) == 10
    assert broker.client.end_offsets(topic) == {0: 13}  # with the three marks of the transactions' ends


def test_topics_get_their_settings_and_more_partitions_lose_records_and_go(broker: Broker, prefix: str) -> None:
    client = broker.client
    topic = client.create_topic(f"{prefix}rules", cleanup_policy="compact", max_message_bytes="1000")
    assert client.config(topic)["cleanup.policy"] == "compact"
    with pytest.raises(KafkaException, match="MSG_SIZE_TOO_LARGE"):
        client.produce(topic, [Sent(b"k", bytes(2000))])
    client.produce(topic, SOME)
    client.add_partitions(topic, 3)
    assert client.topics()[topic] == 3
    other = client.create_topic(f"{prefix}events")
    client.produce(other, SOME)
    client.delete_records(other, {0: 15})
    assert [one.offset for one in client.read(other)] == [15, 16, 17, 18, 19]
    client.delete_topic(other)
    assert other not in client.topics()
    with pytest.raises(KafkaException):
        client.create_topic(topic)


def test_a_killed_broker_comes_back_with_what_it_acknowledged(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events", 2)
    address = broker.address
    for number in range(2):
        broker.client.produce(topic, SOME)
        broker.kill()
        assert not broker.running
        broker.start()
        assert broker.address == address
        assert len(broker.client.read(topic)) == len(SOME) * (number + 1)
    broker.stop()
    broker.start()
    assert len(broker.client.read(topic)) == 2 * len(SOME)


def test_a_suspended_broker_goes_on(broker: Broker, prefix: str) -> None:
    topic = broker.client.create_topic(f"{prefix}events")
    broker.suspend()
    with pytest.raises(KafkaException):
        broker.client.topics(timeout=0.5)
    broker.resume()
    broker.client.produce(topic, SOME)
    assert len(broker.client.read(topic)) == len(SOME)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_the_secured_listener_wants_a_users_password(broker: Broker, tls: Certificates, mechanism: str) -> None:
    def client(password: str) -> KafkaClient:
        options = {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(tls.authority),
            "sasl.mechanism": mechanism,
            "sasl.username": "alice",
            "sasl.password": password,
        }
        return KafkaClient(broker.sasl_address, options)

    assert client(USERS["alice"]).topics().keys() == broker.client.topics().keys()
    with pytest.raises(KafkaException):
        client(USERS["bob"]).topics(timeout=1)


def test_the_tls_listener_wants_a_clients_certificate(broker: Broker, tls: Certificates) -> None:
    options = {"security.protocol": "SSL", "ssl.ca.location": str(tls.authority)}
    mine = {"ssl.certificate.location": str(tls.client), "ssl.key.location": str(tls.client_key)}
    assert KafkaClient(broker.tls_address, options | mine).topics().keys() == broker.client.topics().keys()
    with pytest.raises(KafkaException):
        KafkaClient(broker.tls_address, options).topics(timeout=1)


def test_a_redis_put_back_has_an_older_state_and_a_killed_one_the_last(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    admin = redis_server.admin
    for number in range(100):
        admin.rpush("list", number)
    copy = redis_server.copy(tmp_path / "copy")
    for number in range(100, 200):
        admin.rpush("list", number)
    redis_server.kill()
    redis_server.start()
    assert admin.llen("list") == 200
    for _ in range(2):
        redis_server.put_back(copy)
        assert [int(one) for one in admin.lrange("list", 0, -1)] == list(range(100))


def test_a_copy_of_a_busy_redis_is_a_beginning_of_what_it_did(redis_server: RedisServer, tmp_path: Path) -> None:
    busy = [sys.executable, "-c", "import redis, sys, itertools; r = redis.Redis.from_url(sys.argv[1])\n"]
    busy[-1] += "for n in itertools.count(): r.rpush('list', *[n] * 50)"
    with subprocess.Popen([*busy, redis_server.url], stderr=subprocess.DEVNULL) as process:
        while redis_server.admin.llen("list") < 5_000:
            time.sleep(0.01)
        before = redis_server.admin.llen("list")
        copy = redis_server.copy(tmp_path / "copy")
        after = redis_server.admin.llen("list")
        process.kill()
    redis_server.put_back(copy)
    found = [int(one) for one in redis_server.admin.lrange("list", 0, -1)]
    assert before <= len(found) <= after
    assert found == [number for number in range(len(found) // 50) for _ in range(50)]


def test_a_full_redis_refuses_writes_until_it_has_room_again(redis_server: RedisServer) -> None:
    redis_server.limit(1)
    with pytest.raises(redis.ResponseError, match="maxmemory"):
        redis_server.admin.set("a", "b")
    redis_server.limit(0)
    assert redis_server.admin.set("a", "b")


def test_a_suspended_redis_answers_when_it_goes_on(redis_server: RedisServer) -> None:
    redis_server.suspend()
    with redis.Redis.from_url(redis_server.url, socket_timeout=0.2) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    redis_server.resume()
    assert redis_server.admin.ping()


def test_what_is_started_ends_with_the_tests_even_when_these_are_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from threading import Thread\n"
        "from tests.servers.redis_server import RedisServer\n"
        "server = RedisServer(Path(sys.argv[1]))\n"
        "starter = Thread(target=server.start); starter.start(); starter.join()\n"
        "assert server.admin.ping()\n"
        "print(server.admin.info('server')['process_id'], flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "redis")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        server = psutil.Process(int(tests.stdout.readline()))
        assert server.is_running()
        tests.kill()
    server.wait(10)
