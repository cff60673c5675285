"""A real Redis, every write on disk before it is answered, to be killed, put back in time, and started again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from crm_online.store.binary import Binary, binaries
from tests.servers.processes import Process, free_port
from tests.servers.server import Server

_START = Path(__file__).parents[2] / "deploy/redis.sh"
_START_SECONDS = 120.0
_OPTIONS = {
    "bind": "127.0.0.1",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
}


class RedisServer(Server):
    """A redis-server in a folder, on a port and a unix socket that it keeps; started again it reads its AOF.

    Parameters
    ----------
    folder
        Its data, and ``redis.log`` beside them.
    binary
        Which redis-server; without it, the first of this machine.
    options
        More of Redis's own settings.
    """

    def __init__(self, folder: Path, binary: Binary | None = None, options: Mapping[str, str] | None = None) -> None:
        super().__init__(folder.with_name(f"{folder.name}.log"))
        self.folder = folder
        self.port = free_port()
        self._binary = binary or next(binaries(), None)
        self._options = _OPTIONS | dict(options or {})
        # A socket's path must be short; the folder goes when this object does.
        self._short = tempfile.TemporaryDirectory(prefix="crm-test-")

    @property
    def url(self) -> str:
        """What ``--state`` takes."""
        return f"redis://localhost:{self.port}"

    @property
    def socket(self) -> str:
        """The path of its unix socket."""
        return f"{self._short.name}/s"

    @cached_property
    def admin(self) -> redis.Redis:
        """A client of the tests, without password."""
        return redis.Redis(unix_socket_path=self.socket, retry=Retry(NoBackoff(), 0))

    def end(self) -> None:
        """Kill it if it runs, and forget its socket: the test is over."""
        super().end()
        self._short.cleanup()

    def copy(self, to: Path) -> Path:
        """Copy its data while it runs, and return the copy: a whole and older state, for :meth:`put_back`.

        The AOF is only ever appended to, so a copy of it is one that was cut off somewhere; it must not be
        rewritten meanwhile.
        """
        rewrite = "auto-aof-rewrite-percentage"
        before = self.admin.config_get(rewrite)[rewrite] or ""
        self.admin.config_set(rewrite, 0)
        while self.admin.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        shutil.copytree(self.folder, to)
        self.admin.config_set(rewrite, before)
        return to

    def put_back(self, copy: Path) -> None:
        """Take it back in time: it is killed, gets the data of a copy, and is started; the copy stays."""
        if self.running:
            self.kill()
        shutil.rmtree(self.folder)
        shutil.copytree(copy, self.folder)
        self.start()

    def limit(self, maxmemory: int) -> None:
        """Set ``maxmemory`` in bytes; below what it uses, it refuses every write; 0: no limit."""
        self.admin.config_set("maxmemory", maxmemory)

    def _launch(self) -> Process:
        assert self._binary is not None, "these tests need a redis-server: see `make test`"
        self.folder.mkdir(parents=True, exist_ok=True)
        Path(self.socket).unlink(missing_ok=True)
        command = [str(_START), str(self.folder)]
        given = [part for option, value in self._options.items() for part in (f"--{option}", value)]
        places = ["--port", str(self.port), "--unixsocket", self.socket]
        return Process([*command, *given, *places], self.log, env=os.environ | {"REDIS_SERVER": self._binary.path})

    def _wait_until_up(self) -> None:
        """Wait until it answers, be it only that it is loading its data."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                raise AssertionError(f"redis-server does not start:\n{self.last_lines()}")
            time.sleep(0.002)

    def _answers(self) -> bool:
        try:
            self.admin.ping()
        except (redis.AuthenticationError, redis.BusyLoadingError):
            return True
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        return True
