"""The command line in processes of their own that need not import it first: they are forked from one that has.

To import all that a replay needs takes a second and more, and the tests start some hundred processes. They are real
ones: each can be killed, and has a folder, an environment and streams of its own. What they share is the seed of
Python's hashes, so a run that others are compared with has an interpreter of its own (``tests.command.printed_anew``).
"""

from __future__ import annotations

import ctypes
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PRELOADED: Final = (
    "crm_online.api.opening",
    "crm_online.api.server",
    "crm_online.cli.app",
    "crm_online.commands.erase",
    "crm_online.lookup",
    "crm_online.replay",
    "crm_online.simulate",
    "streams.publish",
    "streams.worker",
)
_DIE_WITH_PARENT: Final = 1
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(_PRELOADED))


class Forked:
    """``crm-online`` with some arguments, started at once; the names are those of :class:`subprocess.Popen`.

    Parameters
    ----------
    arguments
        What stands behind ``crm-online``.
    cwd, env
        Folder and environment.
    out, err
        Files to which stdout and stderr are added.
    """

    def __init__(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], out: Path, err: Path) -> None:
        self.out, self.err = out, err
        self._process = _context.Process(target=_run, args=(list(arguments), str(cwd), dict(env), str(out), str(err)))
        self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.poll() is None:
            self.kill()
        self.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code; below 0 for a signal, None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return its exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            It has not ended within so many seconds.
        """
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("crm-online", timeout or 0.0)
        return code

    def communicate(self) -> tuple[str, str]:
        """Wait until it has ended, and return what it printed."""
        self.wait()
        return self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8")

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it as ``kill -9`` does."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end, as ``kill`` does."""
        self.send_signal(signal.SIGTERM)


def _run(arguments: list[str], folder: str, env: dict[str, str], out: str, err: str) -> None:
    """Run the command line here, as in a process that was begun for it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # The process that it is forked from lives as long as this one, so it is no sign that the tests are over.
    threading.Thread(target=_end_with_tests, daemon=True).start()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        with open(path, "ab") as file:
            os.dup2(file.fileno(), number)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        os.fdopen(2, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )
    sys.argv = ["crm-online", *arguments]

    from crm_online.cli import main

    main()


def _end_with_tests() -> None:
    tests = multiprocessing.parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGKILL)
