"""What a replay wrote, once for all tests that look at it."""

from __future__ import annotations

import pytest

from crm_online.step import Topic
from tests.values import shop


@pytest.fixture(scope="package")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[Topic, list[str]]:
    """Return the lines that the replay of a simulated shop wrote, file by file."""
    return shop.write(tmp_path_factory.mktemp("shop"))
