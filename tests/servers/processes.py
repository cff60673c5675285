"""Processes that tests kill, stop and start again, and that never outlive the tests; and ports for them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from tests.servers.forked import Forked

# Linux kills what is started this way when the thread that started it ends, however it ends. So one thread starts all,
# and lives as long as the tests. Where there is no setpriv, the fixtures' endings must do.
_TIED = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")

_LOWEST_PORT = 15_000
_given: set[int] = set()


def free_port() -> int:
    """Return a port of this machine that nobody listens on, never the same twice.

    It is below those that the kernel gives to outgoing connections: there, a client that knocks at the port of a
    server that is down could take the port itself, or even reach itself.
    """
    pick = random.SystemRandom()
    while True:
        port = pick.randrange(_LOWEST_PORT, _first_outgoing_port())
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def _first_outgoing_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32_768


def launched(
    command: Sequence[str], log: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program; the parameters are those of :class:`Process`."""

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(
                [*_TIED, *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    return _STARTER.submit(start).result()


class Process:
    """A process that is started at once.

    Parameters
    ----------
    command
        The program and its arguments; or what stands behind ``crm-online`` if ``forked``.
    log
        File to which what it prints is added.
    cwd, env
        As in :class:`subprocess.Popen`.
    forked
        Whether to fork ``crm-online`` from a process that has imported it: see `tests.servers.forked`.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        forked: bool = False,
    ) -> None:
        self.log = log
        log.touch()
        self._begin = log.stat().st_size
        self._process: subprocess.Popen[bytes] | Forked = (
            Forked(command, cwd=cwd or Path.cwd(), env=env or os.environ, out=log, err=log)
            if forked
            else launched(command, log, cwd=cwd, env=env)
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended; a suspended one has not."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it as ``kill -9`` does, suspended or not, and wait until it is gone."""
        self._process.kill()
        self._process.wait()

    def terminate(self, timeout: float) -> int:
        """Ask it to end, as ``kill`` does, wait, and return its exit code; it is killed if it does not end.

        Raises
        ------
        TimeoutError
            It did not end within so many seconds.
        """
        self.resume()
        self._process.terminate()
        return self.wait(timeout)

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself and return its exit code; errors as of :meth:`terminate`."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"a process did not end within {timeout:g} s:\n{self.last_lines()}") from None

    def suspend(self) -> None:
        """Stop it (SIGSTOP); it stands still when this returns."""
        self._process.send_signal(signal.SIGSTOP)
        one = psutil.Process(self.pid)
        while self.running and one.status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    def printed(self) -> str:
        """Return what it has printed so far."""
        with self.log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def last_lines(self, count: int = 30) -> str:
        """Return the last lines that it printed."""
        return "\n".join(self.printed().splitlines()[-count:])
