"""``crm-online serve`` in a process of its own, which can be killed and started again where it was."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.command import environment
from tests.servers.processes import Process
from tests.servers.server import Server

_URL = re.compile(r"http://[0-9.]+:([0-9]+)")
_START_SECONDS = 180.0
_made = count()


class Served(Server):
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
    """

    def __init__(self, folder: Path, *args: str, forked: bool = True) -> None:
        super().__init__(folder / f"serve-{next(_made)}.log")
        self._folder, self._args, self._forked = folder, args, forked
        self._port = "0"
        self.url = ""

    @property
    def output(self) -> list[str]:
        """The lines that it has printed so far, in all its runs."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)

    def _launch(self) -> Process:
        command = ["serve", "--port", self._port, *self._args]
        if not self._forked:
            command = [sys.executable, "-m", "crm_online", *command]
        return Process(command, self.log, cwd=self._folder, env=environment(), forked=self._forked)

    def _wait_until_up(self) -> None:
        """Wait until it has said where it is."""
        deadline = time.monotonic() + _START_SECONDS
        while (found := _URL.search(self.process.printed())) is None:
            if not self.running or time.monotonic() > deadline:
                raise AssertionError(f"the service did not start: {self.last_lines()}")
            time.sleep(0.005)
        self.url, self._port = found[0], found[1]


@contextmanager
def serving(folder: Path, *args: str, forked: bool = True) -> Iterator[Served]:
    """Run ``crm-online serve`` with more options in a folder, at a free port, and let it stop; see `Served`."""
    with Served(folder, *args, forked=forked) as served:
        yield served
        served.stop()
