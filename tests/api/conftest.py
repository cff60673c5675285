"""A made shop in real Redis servers that tests may harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from tests.api.asking import printed_well, ready
from tests.command import printed
from tests.docs import made
from tests.servers.redis_server import RedisServer
from tests.servers.serving import Served, serving


@pytest.fixture(scope="package")
def shop_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a Redis with a made shop has on disk."""
    folder = tmp_path_factory.mktemp("shop-data")
    made.write_jsonl(folder / "events.jsonl")
    with RedisServer(folder / "redis", options={"appendfsync": "no"}) as server:
        printed(folder, "replay", "events.jsonl", "--state", server.url)
    return folder / "redis"


def shop_server(shop_data: Path, folder: Path) -> RedisServer:
    """Return a Redis of its own on a copy of the shop, to be started."""
    return RedisServer(copytree(shop_data, folder / "redis"))


@pytest.fixture(scope="module")
def redis_server(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a Redis with the shop, for one file of tests."""
    with shop_server(shop_data, tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="package")
def local(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a service without any setting, with a state of its own."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("local") / "shop")
    with serving(folder, "--state", "shop") as it:
        ready(it.url)
        yield it
    printed_well(it)
