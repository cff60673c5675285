"""``crm-online serve`` in a process of its own, which can be killed and started again where it was."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.command import ROOT
from tests.servers.forked import Forked

_URL = re.compile(r"http://[0-9.]+:([0-9]+)")


class Served:
    """A service that runs in a process.

    Parameters
    ----------
    folder
        Where it runs.
    args
        Its options.
    forked
        Whether to fork it from a process that has imported it, which saves seconds (see `tests.servers.forked`); what
        is measured has an interpreter of its own.

    Attributes
    ----------
    url
        Where it is; the same after it was killed and started again.
    output
        The lines that it has printed so far.
    """

    def __init__(self, folder: Path, *args: str, forked: bool = True) -> None:
        self._folder, self._args, self._forked = folder, args, forked
        self._port = "0"
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self.url = ""
        self.output: list[str] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with tempfile.TemporaryDirectory() as folder:
            pipe = Path(folder) / "output"
            os.mkfifo(pipe)
            self._process = self._started(pipe)
            lines = iter(pipe.open(encoding="utf-8", errors="replace"))
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

    def _started(self, pipe: Path) -> subprocess.Popen[bytes] | Forked:
        env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE_")}
        env["PYTHONPATH"] = str(ROOT)
        command = ["serve", "--port", self._port, *self._args]
        if self._forked:
            return Forked(command, cwd=self._folder, env=env, out=pipe, err=pipe)
        run = shlex.join([sys.executable, "-m", "crm_online", *command])
        return subprocess.Popen(["sh", "-c", f"exec {run} > {shlex.quote(str(pipe))} 2>&1"], cwd=self._folder, env=env)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait()
            self._process = None


@contextmanager
def serving(folder: Path, *args: str, forked: bool = True) -> Iterator[Served]:
    """Run ``crm-online serve`` with more options in a folder, at a free port; see `Served`."""
    served = Served(folder, *args, forked=forked)
    served.start()
    try:
        yield served
    finally:
        served.stop()
