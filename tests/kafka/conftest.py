"""A broker for all tests and a Redis for each, topics that no other test uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import certificates
from tests.servers.broker import Broker, need_kafka
from tests.servers.certificates import Certificates
from tests.servers.redis_server import RedisServer


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates for servers and clients of the tests."""
    return certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory, tls: Certificates) -> Iterator[Broker]:
    """Start the broker of all tests; without Java they are skipped, but in CI they fail."""
    need_kafka()
    with Broker(tmp_path_factory.mktemp("kafka"), certificates=tls) as broker:
        yield broker


@pytest.fixture
def broker(shared_broker: Broker) -> Iterator[Broker]:
    """Return the broker, running; a test may do with it what it likes, the next finds it running again."""
    yield shared_broker
    shared_broker.resume()
    if not shared_broker.running:
        shared_broker.start()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Start a Redis with nothing in it."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Return what the names of a test's topics begin with: ``kafka.prefix``."""
    return f"crm-{uuid.uuid4().hex[:8]}."
