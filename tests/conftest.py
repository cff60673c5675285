"""What all tests share: the folder of real logs, and how hypothesis searches."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from crm_online.store import Store, open_store
from tests.command import printed
from tests.docs import made

# pytest-xdist sets it for its workers, and what is printed goes by it.
os.environ.pop("COLUMNS", None)
# A shell has what it runs in the background ignore Ctrl-C, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent

# On slow and shared machines a deadline fails tests that are right; in CI the same examples are tried every time.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of the real logs: beside the checkout, or where CRM_ONLINE_SHARED says.

    Without it the test is skipped, but in CI it fails: there the folder must be.
    """
    folder = Path(os.environ.get("CRM_ONLINE_SHARED") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        missing = f"the real logs are not at {folder} (CRM_ONLINE_SHARED names another folder)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return folder


@pytest.fixture(scope="session")
def made_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the state ``shop`` of a small made shop; copy it to change it."""
    folder = tmp_path_factory.mktemp("made-shop")
    made.write_jsonl(folder / "events.jsonl")
    printed(folder, "replay", "events.jsonl", "--state", "shop")
    return folder


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store on a real embedded Redis, for tests that make their own state in it; each empties it first."""
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        yield store


LONGEST = (
    "tests/kafka/chaos/",
    "tests/replay/test_crash.py",
    "tests/simulate/test_found.py",
    "tests/store/test_cluster.py",
)
"""Files that take minutes: begun first, so that no process of pytest-xdist is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; refuse tests of one id, of which pytest-xdist would run one only."""
    counts = Counter(item.nodeid for item in items)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise pytest.UsageError(f"more than one test has the id {', '.join(twice)}")
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
