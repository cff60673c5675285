"""Both clients, asked in the same words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any, Protocol

import pytest
from anyio.from_thread import start_blocking_portal

from crm_online.api.keyfile import SCOPES, new_key
from crm_online.client import AsyncClient, Client
from tests.api.asking import ready
from tests.servers.serving import Served, serving


@pytest.fixture(scope="module")
def folder(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a service's state, and of its keys."""
    return copytree(made_shop, tmp_path_factory.mktemp("client") / "shop")


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, str]:
    """Return a key of each scope, and a guest's that may be revoked."""
    file = folder / "keys.toml"
    return {"guest": new_key(file, "guest", ["read"])} | {scope: new_key(file, scope, [scope]) for scope in SCOPES}


@pytest.fixture(scope="module")
def served(folder: Path, keys: dict[str, str]) -> Iterator[Served]:
    """Return a service."""
    hook = "webhooks.crm.url=http://127.0.0.1:9", "webhooks.crm.secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    options = [part for one in ("serve.keys_file=keys.toml", *hook) for part in ("--set", one)]
    with serving(folder, "--state", "shop", *options) as it:
        ready(it.url)
        yield it
    assert "Traceback" not in "".join(it.output)


class Ask(Protocol):
    """Asks a method of a client, and collects what it gives one by one."""

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Ask."""


def waiting(url: str, key: str | None) -> Iterator[Ask]:
    """Return what asks a `Client`."""
    with Client(url, key=key) as client:

        def ask(method: str, *args: Any, **kwargs: Any) -> Any:
            found = getattr(client, method)(*args, **kwargs)
            return list(found) if isinstance(found, Iterator) else found

        yield ask


def not_waiting(backend: str) -> Callable[[str, str | None], Iterator[Ask]]:
    """Return what makes what asks an `AsyncClient`."""

    def asking(url: str, key: str | None) -> Iterator[Ask]:
        with (
            start_blocking_portal(backend) as portal,
            portal.wrap_async_context_manager(AsyncClient(url, key=key)) as client,
        ):

            async def asked(method: str, args: Any, kwargs: Any) -> Any:
                found = getattr(client, method)(*args, **kwargs)
                return [one async for one in found] if isinstance(found, AsyncIterator) else await found

            yield lambda method, *args, **kwargs: portal.call(asked, method, args, kwargs)

    return asking


CLIENTS = {"waiting": waiting, "asyncio": not_waiting("asyncio"), "trio": not_waiting("trio")}


@pytest.fixture(params=CLIENTS)
def ask(request: pytest.FixtureRequest, served: Served, keys: dict[str, str]) -> Iterator[Ask]:
    """Return what asks a client of each kind, with all rights."""
    yield from CLIENTS[request.param](served.url, keys["admin"])
