"""The life of a server under test: one way to start, kill, stop, suspend and end it, whatever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.processes import Process

_STOP_SECONDS = 60.0


class Server(ABC):
    """A program on data and at an address that it keeps, however often it is started; it runs as long as the block.

    Parameters
    ----------
    log
        File to which all its runs print.

    Attributes
    ----------
    log
        The same.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: Process | None = None

    def __enter__(self) -> Self:
        """Start it."""
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it if it runs."""
        self.end()

    @property
    def process(self) -> Process:
        """Its latest process."""
        assert self._process is not None, f"{self} was never started"
        return self._process

    @property
    def running(self) -> bool:
        """Whether its process lives; a suspended one does."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """The id of its latest process."""
        return self.process.pid

    def start(self) -> Self:
        """Start it on the data that are there, wait until it answers, and return it."""
        assert not self.running, f"{self} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = self._launch()
        self._wait_until_up()
        return self

    def kill(self) -> None:
        """Kill it as ``kill -9`` does, suspended or not."""
        self.process.kill()

    def stop(self, timeout: float = _STOP_SECONDS) -> int:
        """Ask it to stop (SIGTERM), wait until it has, and return its exit code."""
        return self.process.terminate(timeout)

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself, and return its exit code."""
        return self.process.wait(timeout)

    def suspend(self) -> None:
        """Let it stand still (SIGSTOP): connections stay open, nothing is answered."""
        self.process.suspend()

    def resume(self) -> None:
        """Let it go on after :meth:`suspend`."""
        self.process.resume()

    def end(self) -> None:
        """Kill it if it runs: the test is over."""
        if self.running:
            self.kill()

    def last_lines(self, count: int = 30) -> str:
        """Return the last lines that it printed in its latest run."""
        return self.process.last_lines(count)

    @abstractmethod
    def _launch(self) -> Process:
        """Start a process."""

    @abstractmethod
    def _wait_until_up(self) -> None:
        """Wait until the process that was just started answers; fail with what it printed if it does not."""


class Program(Server):
    """Any program; nothing is waited for when it is started.

    Parameters
    ----------
    command
        The program and its arguments.
    log
        File to which it prints.
    cwd, env
        As in :class:`subprocess.Popen`.
    """

    def __init__(self, command: Sequence[str], log: Path, *, cwd: Path, env: Mapping[str, str]) -> None:
        super().__init__(log)
        self._command, self._cwd, self._env = command, cwd, env

    def _launch(self) -> Process:
        return Process(self._command, self.log, cwd=self._cwd, env=self._env)

    def _wait_until_up(self) -> None:
        """Return at once."""
