"""A real Redis in the state folder, on a unix socket, with every commit on disk before it is answered."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from crm_online.errors import StoreError, StoreUnavailable
from crm_online.store.binary import chosen
from crm_online.store.client import RedisClient
from crm_online.store.folder import is_written, note_writer, opened, written_by
from crm_online.store.node import Node
from crm_online.store.server import Server, end_orphan
from crm_online.store.sharing import RedisUsers, redis_users

# A unix socket's path has 108 bytes on Linux, 104 on macOS, the end mark included.
_LONGEST_SOCKET: Final = 100
_SHORT_PREFIX: Final = "crm-online-"
_START_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 1800.0
_PAUSE: Final = 0.002
_LEAVE_SECONDS: Final = 10.0
_LOOK_AGAIN: Final = 0.02

_OPTIONS: Final = {
    "port": "0",
    "dir": ".",
    "daemonize": "no",
    "databases": "1",
    "unixsocketperm": "700",
    "pidfile": "redis.pid",
    "logfile": "",
    "loglevel": "warning",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "yes",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    # A commit may carry a checkpoint of hundreds of MB.
    "proto-max-bulk-len": "2gb",
    "client-query-buffer-limit": "4gb",
}


@contextlib.contextmanager
def embedded(folder: Path, create: bool, writes: bool, answer_seconds: float) -> Iterator[RedisClient]:
    """Use the Redis in a folder while the context is open: the first process starts it, the last one stops it.

    One that a writer started ends with the writer, which first waits a little for look-ups that go on; one that a
    look-up started goes on as long as somebody uses it.

    Raises
    ------
    StateLocked, StateMissing, StateTooNew, StateTooOld, StateCorrupt, StoreRefused, StoreUnavailable, StoreError
        See ``folder.opened``, ``folder.written_by``, ``binary.chosen``; or the server did not start.
    """
    folder = folder.absolute()
    with opened(folder, create, writes) as inner, redis_users(inner) as users:
        server: Server | None = None
        with users.turn():
            alone = users.are_none_else()
            # A writer of an older version is no user, but holds the folder: its Redis is no orphan.
            client = (
                _joined(folder, inner, answer_seconds) if not alone or (not writes and is_written(folder)) else None
            )
            if client is None and alone:
                server, client = _start(folder, inner, writes, answer_seconds)
            if client is None:
                raise StoreUnavailable(f"the Redis of {folder} does not answer, though another process has it open")
            users.join()
        try:
            yield client
        finally:
            _leave(inner, users, server, client, writes=writes)


def _start(folder: Path, inner: Path, tied: bool, answer_seconds: float) -> tuple[Server, RedisClient]:
    """Start the Redis of a folder that nobody has open."""
    binary = chosen(written_by(folder), folder)
    note = inner / "socket"
    end_orphan(inner, _noted_socket(note) or inner / "redis.sock")
    _forget_socket(note)
    socket = _socket(inner, note)
    for left in (socket, inner / "redis.pid"):
        left.unlink(missing_ok=True)
    note_writer(folder, binary)
    options = [part for name, value in _OPTIONS.items() for part in (f"--{name}", value)]
    command = [binary.path, *options, "--unixsocket", str(socket)]
    try:
        written, (server, client) = _written(inner), _started(command, inner, socket, tied, answer_seconds)
        # After a kill, Redis cuts a torn command off its AOF, but leaves the whole ones of that MULTI there; it
        # would do them with the next EXEC at a later start. One more start, with nothing written, cuts them too.
        while (kept := _written(inner)) < written:
            server.end(client)
            written, (server, client) = kept, _started(command, inner, socket, tied, answer_seconds)
    except BaseException:
        _forget_socket(note)
        raise
    return server, client


def _joined(folder: Path, inner: Path, answer_seconds: float) -> RedisClient | None:
    """Use the Redis of a folder that another process has open; ``None``: it does not answer."""
    written_by(folder)
    client = _at(_noted_socket(inner / "socket") or inner / "redis.sock", inner, answer_seconds)
    if client.ping():
        return client
    client.close()
    return None


def _leave(inner: Path, users: RedisUsers, server: Server | None, client: RedisClient, *, writes: bool) -> None:
    """Stop using the Redis, and end it if nobody else uses it, or if it was tied to this process."""
    tied = writes and server is not None
    socket, deadline = _noted_socket(inner / "socket") or inner / "redis.sock", time.monotonic() + _LEAVE_SECONDS
    while True:
        with users.turn():
            if users.are_none_else() or (tied and time.monotonic() > deadline):
                if server is not None:
                    server.end(client)
                else:
                    client.close()
                    if not writes and is_written(inner.parent):
                        return
                    end_orphan(inner, socket)
                _forget_socket(inner / "socket")
                return
            if not tied:
                client.close()
                return
        time.sleep(_LOOK_AGAIN)


def _written(inner: Path) -> int:
    """Give the bytes of the AOF."""
    size = 0
    for path in inner.rglob("appendonly.aof*"):
        with contextlib.suppress(FileNotFoundError):  # a server that has just started deletes what it replaced
            size += path.stat().st_size
    return size


def _at(
    socket: Path, inner: Path, answer_seconds: float, end_message: Callable[[], str | None] | None = None
) -> RedisClient:
    node = Node.at_socket(str(socket), f"the Redis of {inner.parent}", answer_seconds)
    return RedisClient(node, answer_seconds, end_message, f"unix://{quote(str(socket))}")


def _started(
    command: Sequence[str], inner: Path, socket: Path, tied: bool, answer_seconds: float
) -> tuple[Server, RedisClient]:
    """Start a server, and come back when it has loaded its data."""
    server = Server(command, inner, tied)
    client = _at(socket, inner, answer_seconds, server.end_message)
    server.launch()
    try:
        _wait(server, client)
    except BaseException:
        server.end(client)
        raise
    return server, client


def _wait(server: Server, client: RedisClient) -> None:
    """Wait until the server has loaded its data and answers."""
    begin = time.monotonic()
    while not client.ping():
        if server.ended.wait(_PAUSE):
            raise StoreError(f"redis-server cannot start in {server.folder}{server.failure()}")
        waited = time.monotonic() - begin
        if waited > (_LOAD_SECONDS if Path(server.folder, "redis.pid").exists() else _START_SECONDS):
            raise StoreUnavailable(f"redis-server in {server.folder} is not ready after {waited:.0f} s")


def _socket(inner: Path, note: Path) -> Path:
    """Choose the socket's path: in the folder, or in a private folder with a short name, which is noted."""
    socket = inner / "redis.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET:
        return socket
    parent = tempfile.gettempdir()
    try:
        # Longer than what mkdtemp adds to the prefix
        short = len(os.fsencode(parent)) + len(_SHORT_PREFIX) + 30 <= _LONGEST_SOCKET
        socket = Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX, dir=parent if short else "/tmp"), "redis.sock")
        note.write_bytes(os.fsencode(socket))
    except OSError as error:
        raise StoreError(f"no folder can be made for the socket of {inner.parent}: {error.strerror}") from error
    return socket


def _noted_socket(note: Path) -> Path | None:
    """Give the short path of an earlier owner, if it is still a private folder that we made."""
    try:
        socket = Path(os.fsdecode(note.read_bytes()))
        folder = socket.parent.lstat()
    except (OSError, ValueError):
        return None
    private = folder.st_uid == os.getuid() and folder.st_mode & 0o170777 == 0o040700
    return socket if private and socket.parent.name.startswith(_SHORT_PREFIX) else None


def _forget_socket(note: Path) -> None:
    socket = _noted_socket(note)
    if socket is not None:
        shutil.rmtree(socket.parent, ignore_errors=True)
    note.unlink(missing_ok=True)
