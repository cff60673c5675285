"""What all tests share: the folder of real logs, and how hypothesis searches."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from crm_online.store import Store, open_store
from tests.command import printed
from tests.docs import made
from tests.replay import shop

# pytest-xdist sets it for its workers, and what is printed goes by it.
os.environ.pop("COLUMNS", None)
# A shell has what it runs in the background ignore Ctrl-C, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Who is asked to end tears down what it has set up, instead of leaving processes and folders behind.
signal.signal(signal.SIGTERM, signal.default_int_handler)

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
def replayed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the log ``shop.jsonl``, its state and its changes; see ``shop_copy`` to change them."""
    folder = tmp_path_factory.mktemp("replayed-shop")
    shop.write(folder / "shop.jsonl", shop.events(40, 60, seed=1))
    printed(folder, "replay", "shop.jsonl", *shop.OPTIONS, "--out", "changes")
    return folder


@pytest.fixture
def shop_copy(replayed_shop: Path, tmp_path: Path) -> Path:
    """Return a copy of the replayed shop's folder: a state in a folder is files."""
    return shutil.copytree(replayed_shop, tmp_path / "shop")


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store on a real embedded Redis, for tests that make their own state in it; each empties it first."""
    with open_store(tmp_path_factory.mktemp("redis") / "state") as store:
        yield store


TOGETHER = ("tests/kafka/chaos/", "tests/kafka/", "tests/api/", "tests/dashboard/", "tests/lookup/", "tests/values/")
"""Folders whose files share a broker or a state, which one process of pytest-xdist makes once.

Tests on Kafka wait more than they compute: with all of them in one process, the others have the cores meanwhile.
"""

LONGEST = (
    "tests/kafka/chaos/",
    "tests/kafka/",
    "tests/docs/test_readme.py",
    "tests/replay/test_crash.py",
    "tests/simulate/test_found.py",
    "tests/store/test_cluster.py",
    "tests/dashboard/",
    "tests/replay/test_middle.py",
    "tests/simulation/test_simulation.py",
    "tests/benchmarks/",
    "tests/streams/test_catching_up.py",
    "tests/streams/test_driver.py",
    "tests/values/",
    "tests/api/",
)
"""What takes longest: begun first, so that no process of pytest-xdist is left alone with it at the end."""


class FolderScheduling(LoadFileScheduling):
    """``--dist loadfile``, but for the folders of :data:`TOGETHER`, which stay whole."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling | None:
    """Keep folders together where files are."""
    return FolderScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; refuse tests of one id, of which pytest-xdist would run one only."""
    counts = Counter(item.nodeid for item in items)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise pytest.UsageError(f"more than one test has the id {', '.join(twice)}")
    items.sort(key=lambda item: next((at for at, name in enumerate(LONGEST) if item.nodeid.startswith(name)), 99))
