"""A shop in a real Redis, at rest, to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_online.store import Store, open_store
from tests.engine import shop
from tests.engine.flows import Shop, settings


@pytest.fixture(scope="package")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store on a real Redis."""
    with open_store(str(tmp_path_factory.mktemp("redis") / "state")) as store:
        yield store


@pytest.fixture(scope="package")
def at_rest(redis: Store) -> Shop:
    """Return a shop at the end of its log; tests put back what they change."""
    return Shop(redis, settings(min_customers=100)).all(shop.made(120, 100, seed=2))
