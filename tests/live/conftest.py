"""One embedded Redis for the tests that make their own state in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_online.store import Store, open_store


@pytest.fixture(scope="package")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store on a real Redis; a test empties it first."""
    with open_store(str(tmp_path_factory.mktemp("redis") / "state")) as store:
        yield store
