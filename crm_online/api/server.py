"""Runs the service: listens, answers, and stops at a signal."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import math
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from crm_online.api.app import create_app
from crm_online.api.connection import connections
from crm_online.api.gate import is_loopback
from crm_online.api.service import Service
from crm_online.errors import InvalidSetting
from crm_online.settings import ServeSettings

_log = logging.getLogger(__name__)
_STOPS = (signal.SIGTERM, signal.SIGINT)
_SPARE_FILES = 500
_BACKLOG = 1024
_YOUNG = 20_000


def run(service: Service, on_start: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    service
        What is served, at ``serve.listen``.
    on_start
        Called with the service's URL when it answers.

    Raises
    ------
    InvalidSetting
        ``serve.listen`` cannot be listened on: in use, not allowed, or open to others while no keys are configured.
    """
    settings = service.settings.serve
    with contextlib.closing(_listening(settings, service.keys.configured)) as listener:
        _allow_files(settings.connections + _SPARE_FILES)
        _Server(service, on_start or _log_url, _url(listener)).run(sockets=[listener])


@contextlib.contextmanager
def in_background(service: Service, *, or_free: bool = False) -> Iterator[str]:
    """Serve in a thread while the context lasts, for what does something else meanwhile; gives the service's URL.

    Parameters
    ----------
    service
        What is served.
    or_free
        Whether a free port will do if that of ``serve.listen`` is in use.

    Raises
    ------
    InvalidSetting
        As `run`.
    """
    settings = service.settings.serve
    with contextlib.closing(_listening(settings, service.keys.configured, or_free=or_free)) as listener:
        _allow_files(settings.connections + _SPARE_FILES)
        started = threading.Event()
        server = _Server(service, lambda _: started.set(), _url(listener))

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                started.set()

        thread = threading.Thread(target=serve, name="serve")
        thread.start()
        try:
            started.wait()
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _log_url(url: str) -> None:
    _log.info("serving at %s", url)


class _Server(uvicorn.Server):
    """uvicorn's server; it ends the feeds before it waits for requests to end."""

    def __init__(self, service: Service, on_start: Callable[[str], None], url: str) -> None:
        settings = service.settings.serve
        super().__init__(
            uvicorn.Config(
                create_app(service),
                http=connections(settings.request_timeout / 1000, settings.connections),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                timeout_keep_alive=math.ceil(settings.request_timeout / 1000),
                timeout_graceful_shutdown=math.ceil(settings.stop_timeout / 1000),
            )
        )
        self._service = service
        self._on_start = on_start
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        _spare_collector()
        self._on_start(self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: no new connections, no more changes to feeds, and a while for the requests that are being answered."""
        for server in self.servers:
            server.close()
        self._service.changes.end_subscriptions()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; unlike uvicorn, which then raises it again, end as done."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in _STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listening(settings: ServeSettings, keys: bool, *, or_free: bool = False) -> socket.socket:
    """Return the socket that the service listens on."""
    host, port = settings.address
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        if not keys and not is_loopback(str(address[0])):
            raise InvalidSetting(
                f"serve.listen: without keys only this machine may ask: listen on 127.0.0.1, not on {host}, "
                "or make keys (crm-online keys new) and set serve.keys_file"
            )
        try:
            return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        except OSError as error:
            if not or_free or error.errno != errno.EADDRINUSE:
                raise
            return socket.create_server((address[0], 0), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        raise InvalidSetting(f"serve.listen: {settings.listen} cannot be listened on: {why}") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _spare_collector() -> None:
    """Let the garbage collector look at what requests leave only, not at all that was imported.

    That was a quarter of the time of look-ups: every few hundred requests that wait for Redis, it went through
    half a million objects that live as long as the process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)


def _allow_files(needed: int) -> None:
    """Let this process open as many files as it may, up to those it needs: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < needed:
        _log.warning("this process may open %d files; serve.connections would need %d: ulimit -n", limit, needed)
