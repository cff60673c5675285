"""One shop of the default size, replayed once for all tests that look at what was found."""

from __future__ import annotations

import pytest

from crm_online.simulate import simulate
from tests.simulate.shops import Found, find


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return what a replay of the default shop found."""
    return find(simulate(), tmp_path_factory.mktemp("simulated"))
