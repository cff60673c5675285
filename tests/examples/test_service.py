"""The examples that ask a service run against a real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from crm_online.client import Client
from crm_online.values import SegmentChange
from tests.kafka.waiting import until
from tests.servers.serving import serving


@pytest.fixture(scope="module")
def url(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a service of the made shop."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("examples") / "shop")
    with serving(folder, "--state", "shop") as served:
        yield served.url


def run(root: Path, name: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "utf8", "-u", str(root / "examples" / name), *args],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_personalisation_feed_writes_once_to_whoever_moves(url: str, root: Path, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"

    def lines(buyer: str, most: int) -> list[str]:
        """Run it until it has written so many lines; once it waits, somebody buys bread for the first time."""
        running = run(root, "personalisation_feed.py", url, "--cursor", str(cursor))
        assert running.stdout is not None
        with running, Client(url) as client:
            assert running.stdout.readline().startswith("waiting")
            begin = cursor.read_text()
            bread = {"item": "bread", "quantity": 1, "price": 2.5}
            client.send([{"type": "purchase", "customer_id": buyer, "time": "2026-04-02T09:00:00Z", "items": [bread]}])
            written, lapsed = list[str](), 0
            while len(written) < most:
                line = running.stdout.readline()
                if re.match(r"to C\d+,", line):  # customers of the made shop lapse as time goes on
                    lapsed += 1
                else:
                    written.append(line)
            with client.changes(kind=["segment-change"], after=begin) as feed:
                changes = [next(feed) for _ in range(most + lapsed)]
                assert all(isinstance(change, SegmentChange) for change in changes)
                until(lambda: cursor.read_text() == feed.cursor, "the example has not noted its cursor")
            running.terminate()
        return written

    (first,) = lines("ann", 1)
    assert first.startswith("to ann, now among “")
    assert "butter" in first
    with Client(url) as client:
        client.send([{"type": "view", "customer_id": "while away", "time": "2026-04-02T09:00:00Z"}])
    away, second = lines("bob", 2)
    assert away.startswith("to while away, ")
    assert second.startswith("to bob, ")


def test_from_look_up_to_plots_prints_tables_and_draws_its_figures(url: str, root: Path, tmp_path: Path) -> None:
    running = run(root, "from_lookup_to_plots.py", url, str(tmp_path))
    printed, _ = running.communicate()
    assert running.returncode == 0, printed
    assert re.search("40[0-3] customers", printed)
    assert "bread + soap ⇒ butter" in printed
    for name in ("segments", "picture", "customer", "rules"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
