"""Opens the state that ``--state`` names: a Redis by URL, or a folder with a Redis of its own."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from crm_online.errors import StoreError, StoreRefused, StoreUnavailable
from crm_online.store.checks import checked, clustered
from crm_online.store.client import RedisClient
from crm_online.store.cluster import Cluster
from crm_online.store.embedded import embedded
from crm_online.store.node import ANSWER_SECONDS, Address, Node
from crm_online.store.state import Store

_PROBE_SECONDS = 2.0


@contextlib.contextmanager
def open_store(
    state: str | os.PathLike[str],
    *,
    create: bool = True,
    writes: bool | None = None,
    answer_seconds: float = ANSWER_SECONDS,
) -> Iterator[Store]:
    """Open a state.

    Parameters
    ----------
    state
        ``redis://``, ``rediss://`` or ``unix://`` and so on: a URL; anything else: a folder. The URL of any node of
        a Redis Cluster opens the cluster.
    create
        Make the folder if it is not there; look-ups say False.
    writes
        Whether this process writes: of a folder only one may. ``None``: as ``create`` says.
    answer_seconds
        How long an answer may take, before Redis counts as gone; a ``socket_timeout`` in the URL goes before it. One
        number for reads and commits, since Redis does one after the other: a read waits for a large commit of
        another partition. A commit that takes longer is not lost: the next claim waits for it, and finds it done.

    Raises
    ------
    StoreUnavailable
        No Redis answers.
    StoreRefused
        It answers, but is not fit: password, read-only, evicting, too old; or none is installed.
    StateLocked, StateMissing, StateTooNew, StateTooOld, StateCorrupt, StoreError
        The folder or the state in it cannot be used.
    """
    with _client(os.fspath(state), create, create if writes is None else writes, answer_seconds) as client:
        found = checked(client)
        yield Store(client, found.durable, found.version)


@contextlib.contextmanager
def _client(state: str, create: bool, writes: bool, answer_seconds: float) -> Iterator[RedisClient]:
    scheme, is_url, _ = state.partition("://")
    if not is_url:
        if not state:
            raise StoreError("the state's folder or URL is empty")
        with embedded(Path(state).expanduser(), create, writes, answer_seconds) as client:
            yield client
        return
    if scheme not in ("redis", "rediss", "unix"):
        raise StoreError(f"a state's URL begins with redis://, rediss:// or unix://, not {scheme}://")
    with contextlib.ExitStack() as stack:
        try:
            _look_for_files(state)
            _look_at_database(state)
            if scheme == "rediss":
                _look_for_tls(state)
            node = Node.at_url(state, f"Redis at {_place(state)}", answer_seconds)
            stack.callback(node.close)
            client = RedisClient(node, answer_seconds)
            many = clustered(client)
        except (ValueError, TypeError):
            # The text of the error may quote a part of the password.
            hint = "escape signs in the password, and look at the options"
            raise StoreError(f"the {scheme}:// URL of the state cannot be read ({hint})") from None
        if many and scheme == "unix":
            raise StoreRefused(f"{node.where} is part of a Redis Cluster: give the redis:// URL of one of its nodes")
        if many:
            cluster = stack.enter_context(
                contextlib.closing(Cluster(node, partial(_cluster_node, state, answer_seconds)))
            )
            client = RedisClient(cluster, answer_seconds)
        yield client


def _look_for_files(url: str) -> None:
    """Refuse a URL whose certificates are not there, since redis-py's error does not name them."""
    for option, path in parse_qsl(urlsplit(url).query):
        if option in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") and not Path(path).is_file():
            raise StoreError(f"the state's URL names a file that is not there: {option}={path}")


def _look_at_database(url: str) -> None:
    """Refuse a path that is no number of a database: redis-py takes database 0 for it."""
    parts = urlsplit(url)
    if parts.scheme != "unix" and not re.fullmatch(r"/?|/[0-9]{1,9}", parts.path):
        # What it ends in is not shown: it may be a part of the password.
        raise StoreError("the state's URL must end in the number of a database, such as /0, or with the port")


def _look_for_tls(url: str) -> None:
    """Refuse a port at once that speaks no TLS; a plain Redis would wait for the end of a line as long as we do."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "localhost", parts.port or 6379), _PROBE_SECONDS) as probe:
            probe.sendall(b"PING\r\n")
            plain = probe.recv(1) in (b"+", b"-")
    except OSError:
        return  # whatever is wrong with it, the real connection says it better
    if plain:
        raise StoreUnavailable(f"Redis at {_place(url)} speaks no TLS at this port: say redis://, or give its TLS port")


def _cluster_node(url: str, answer_seconds: float, address: Address) -> Node:
    """Make a node of the same cluster: as the URL says, but for the address."""
    return Node.at_url(url, f"Redis at {_joined(*address)}", answer_seconds, address)


def _place(url: str) -> str:
    """Give host and port, or the socket's path, without user, password or options.

    Examples
    --------
    >>> _place("redis://me:secret@db.example:6380/0?socket_timeout=5")
    'db.example:6380'
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return _joined(parts.hostname or "localhost", parts.port or 6379)


def _joined(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"
