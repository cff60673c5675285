"""A made shop that is served, and a browser to look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Browser

from tests.api.asking import ready
from tests.command import printed
from tests.dashboard.browsing import Seen, browsing, chromium
from tests.docs import made
from tests.servers.serving import Served, serving

NO_TIME = '{"type": "view", "customer_id": "<b>ann</b>"}'
"""A record that is no event."""


# Not of the session: while Playwright runs, no other test of the same process can have an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with chromium() as it:
        yield it


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the state ``shop`` of a small made shop; its customers move at once. Copy it to serve it."""
    folder = tmp_path_factory.mktemp("dashboard")
    log = folder / "events.jsonl"
    made.write_jsonl(log)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{NO_TIME}\n")
    printed(folder, "replay", log.name, "--state", "shop", "--set", "segments.min_dwell=0d")
    return folder


@pytest.fixture(scope="session")
def shop(replayed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a service on the made shop, to which events can be sent."""
    folder = copytree(replayed, tmp_path_factory.mktemp("served") / "folder")
    with serving(folder, "--state", "shop", "--set", "serve.refresh=1s") as it:
        ready(it.url)  # a browser complains of what is refused until then
        yield it


@pytest.fixture(scope="module")
def window(browser: Browser, shop: Served) -> Iterator[Seen]:
    """Return a window on the shop's dashboard, which the tests of a file share."""
    with browsing(browser, shop.url) as it:
        yield it


@pytest.fixture
def seen(window: Seen) -> Iterator[Seen]:
    """Return a window on the shop's dashboard; in the end nothing went on that must not."""
    yield window
    window.clean()
