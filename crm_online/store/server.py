"""The process of an embedded Redis: started, watched, ended; and the process of an earlier owner."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from crm_online.errors import StoreError, StoreUnavailable
from crm_online.privacy.files import private_no_link
from crm_online.store.client import RedisClient
from crm_online.store.node import ANSWER_SECONDS, Node

_END_SECONDS: Final = 20.0
_PAUSE: Final = 0.005

# Runs in the child before it becomes redis-server: asks Linux for SIGTERM (15) when our process ends, however it ends.
# As a program of its own, since code between fork and exec is not safe in a process with threads.
# Where that fails, the server is started all the same: the next owner ends one that was left.
_TIED: Final = """
import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class Server(threading.Thread):
    """A redis-server, and the thread that started it and waits for its end.

    Linux sends the parent's-death signal when the *thread* that started a process ends, so that thread must live as
    long as the server: it is this one, not the caller's.

    Parameters
    ----------
    command, folder
        What is run, and where.
    tied
        Whether it ends when this process does, however that ends.
    """

    def __init__(self, command: Sequence[str], folder: Path, tied: bool = True) -> None:
        super().__init__(name="redis-server", daemon=True)
        self.folder = folder
        self.ended = threading.Event()
        self._command, self._tied = list(command), tied
        self._launched = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None

    def run(self) -> None:
        """Start the server and wait until it ends."""
        for command in self._commands():
            try:
                with open(self.folder / "redis.log", "wb", opener=private_no_link) as log:
                    self._process = subprocess.Popen(
                        command,
                        cwd=self.folder,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,  # Ctrl-C is for us: the last commit must still find its Redis
                    )
                break
            except OSError as error:
                self._failure = error
        self._launched.set()
        if self._process is not None:
            self._process.wait()
        self.ended.set()

    def _commands(self) -> Iterator[list[str]]:
        if self._tied and sys.platform == "linux" and sys.executable:
            yield [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *self._command]
        yield self._command

    def launch(self) -> None:
        """Start the thread; come back when the process is there."""
        self.start()
        self._launched.wait()
        if self._process is None:
            reason = self._failure.strerror if self._failure else "unknown"
            raise StoreError(f"redis-server cannot be started in {self.folder}: {reason}")

    def end(self, client: RedisClient) -> None:
        """Shut the server down and wait until it is gone."""
        if not self.ended.is_set():
            with contextlib.suppress(StoreError):  # the answer to SHUTDOWN is a broken connection
                client.call("SHUTDOWN", "NOSAVE")
        client.close()
        if not self.ended.wait(_END_SECONDS) and self._process is not None:
            # Nothing is lost: what was committed is on disk.
            self._process.kill()
            self.ended.wait()

    def end_message(self) -> str | None:
        """Return that the server has ended, and why if its log has it; None while it runs."""
        # The connection breaks a moment before the process is gone.
        if not self.ended.wait(0.5):
            return None
        return f"the Redis of {self.folder.parent} has ended{self.failure()}; what was committed is kept: run again"

    def failure(self) -> str:
        """Return the last line of its log that gives the reason of its end, as ": …"; empty if there is none."""
        try:
            lines = (self.folder / "redis.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        # "1234:M 24 Nov 2026 08:53:19.123 # text", or "*** FATAL CONFIG FILE ERROR ***" and what follows
        words = [line.partition(" # ")[2] or line for line in lines if line.strip() and "WARNING" not in line]
        if any("AOF write error" in line for line in words):
            return ": its AOF could not be written; is the disk full?"
        return f": {words[-1].strip()[:200]}" if words else ""


def end_orphan(folder: Path, socket: Path) -> None:
    """End the server of an earlier owner of the folder, if there is one; we hold the folder's lock.

    Raises
    ------
    StoreUnavailable
        It does not end.
    """
    if not _ours(pid := _noted_pid(folder), folder):
        _shut_down_by_socket(folder, socket)
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        # Nothing is lost by a kill: what was committed is on disk.
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _END_SECONDS / 2
        while _ours(pid, folder):
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE)
        else:
            return
    raise StoreUnavailable(f"an earlier redis-server (process {pid}) in {folder.parent} does not end")


def _noted_pid(folder: Path) -> int:
    try:
        text = (folder / "redis.pid").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return 0
    return int(text) if text.isdecimal() else 0


def _ours(pid: int, folder: Path) -> bool:
    """Tell whether a process is a redis-server that works in the folder; only such a one may be signalled."""
    if pid <= 1:
        return False
    process = Path("/proc") / str(pid)
    try:
        return process.joinpath("cwd").samefile(folder) and b"redis-server" in process.joinpath("cmdline").read_bytes()
    except OSError:
        return False


def _shut_down_by_socket(folder: Path, socket: Path) -> None:
    """Ask whoever answers on the folder's socket to end (no /proc here, or the note of its process is lost)."""
    if not socket.exists():
        return
    client = RedisClient(Node.at_socket(str(socket), f"an earlier redis-server in {folder.parent}", ANSWER_SECONDS))
    try:
        if not client.ping():
            return
        with contextlib.suppress(StoreUnavailable):
            client.call("SHUTDOWN", "NOSAVE")
        deadline = time.monotonic() + _END_SECONDS
        while client.ping():
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"{client.where} does not end")
            time.sleep(_PAUSE)
    finally:
        client.close()
