"""A shop in a real Redis, at rest, to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_online.store import open_store
from tests.engine import shop
from tests.engine.pipelines import Shop, settings


@pytest.fixture(scope="package")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a shop at the end of its log, in a Redis of its own; tests put back what they change."""
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        yield Shop(store, settings(min_customers=100)).all(shop.made(120, 100, seed=2))
