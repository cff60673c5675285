"""Opens the state that ``--state`` names: a Redis by URL, or a folder with a Redis of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from crm_online.errors import StoreError
from crm_online.store.checks import checked
from crm_online.store.client import Client
from crm_online.store.embedded import embedded
from crm_online.store.state import Store


@contextlib.contextmanager
def open_store(state: str | os.PathLike[str], *, create: bool = True) -> Iterator[Store]:
    """Open a state.

    Parameters
    ----------
    state
        ``redis://``, ``rediss://`` or ``unix://`` and so on: a URL; anything else: a folder.
    create
        Make the folder if it is not there; look-ups say False.

    Raises
    ------
    StoreUnavailable
        No Redis answers.
    StoreRefused
        It answers, but is not fit: password, read-only, evicting, too old; or none is installed.
    StateLocked, StateMissing, StateTooNew, StateCorrupt, StoreError
        The folder or the state in it cannot be used.
    """
    with _client(os.fspath(state), create) as client:
        found = checked(client)
        yield Store(client, found.durable, found.version)


@contextlib.contextmanager
def _client(state: str, create: bool) -> Iterator[Client]:
    scheme, is_url, _ = state.partition("://")
    if not is_url:
        if not state:
            raise StoreError("the state's folder or URL is empty")
        with embedded(Path(state).expanduser(), create) as client:
            yield client
        return
    if scheme not in ("redis", "rediss", "unix"):
        raise StoreError(f"a state's URL begins with redis://, rediss:// or unix://, not {scheme}://")
    try:
        client = Client.at_url(state, f"Redis at {_place(state)}")
    except (ValueError, TypeError):
        # The text of the error may quote a part of the password.
        raise StoreError(f"the {scheme}:// URL of the state cannot be read (escape signs in the password)") from None
    with contextlib.closing(client):
        yield client


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
    host = parts.hostname or "localhost"
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or 6379}"
