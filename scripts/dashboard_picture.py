"""Take docs/dashboard.png: the demo's dashboard in the middle of the year. Takes two minutes; needs Chromium.

Usage: python scripts/dashboard_picture.py [FILE]
"""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import ViewportSize

from tests.dashboard.browsing import chromium

_SPEED = "250000"
_UNTIL = "2017-09"
_SIZE = ViewportSize(width=1360, height=1180)


def main(file: Path) -> None:
    """Run the demo on a terminal, look on until autumn, and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        terminal, theirs = pty.openpty()
        command = [sys.executable, "-m", "crm_online", "demo", "--port", "0", "--speed", _SPEED, "--state", folder]
        demo = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        try:
            _look_on(terminal, file)
        finally:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()


def _look_on(terminal: int, file: Path) -> None:
    printed = ""
    while (found := re.search(r"http://127\.0\.0\.1:[0-9]+", printed)) is None:
        printed += os.read(terminal, 65_536).decode("utf-8", "replace")
    os.set_blocking(terminal, False)
    with chromium() as browser:
        page = browser.new_page(viewport=_SIZE)
        page.goto(found[0])
        while _watermark(found[0]) < _UNTIL:
            page.wait_for_timeout(500)
            _drop(terminal)
        page.screenshot(path=file)


def _watermark(url: str) -> str:
    answer = httpx.get(f"{url}/v1/status")
    return str(answer.json().get("watermark") or "") if answer.is_success else ""


def _drop(terminal: int) -> None:
    """Read what the demo prints, so that it can go on."""
    try:
        os.read(terminal, 65_536)
    except BlockingIOError:
        time.sleep(0)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/dashboard.png"))
