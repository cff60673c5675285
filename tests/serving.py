"""``crm-online serve`` in a process of its own, which can be killed and started again where it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command import ROOT

_URL = re.compile(r"http://[0-9.]+:([0-9]+)")


class Served:
    """A service that runs in a process.

    Attributes
    ----------
    command
        What is run.
    url
        Where it is; the same after it was killed and started again.
    output
        The lines that it has printed so far.
    """

    command = (sys.executable, "-m", "crm_online", "serve")

    def __init__(self, folder: Path, *args: str) -> None:
        self._folder, self._args = folder, args
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.output: list[str] = []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
        self._process = subprocess.Popen(
            [*self.command, "--port", self._port, *self._args],
            cwd=self._folder,
            env={**env, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = iter(self._process.stdout or ())
        for line in lines:
            self.output.append(line)
            if (found := _URL.search(line)) is not None:
                self.url, self._port = found[0], found[1]
                threading.Thread(target=lambda: self.output.extend(lines), daemon=True).start()
                return
        raise AssertionError(f"the service did not start: {''.join(self.output)}")

    def kill(self) -> None:
        """Kill it: nothing is said to whoever is connected, and nothing is written any more."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it stop."""
        self._end(signal.SIGTERM)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait()
            self._process = None


@contextmanager
def serving(folder: Path, *args: str) -> Iterator[Served]:
    """Run ``crm-online serve`` with more options in a folder, at a free port."""
    served = Served(folder, *args)
    served.start()
    try:
        yield served
    finally:
        served.stop()
