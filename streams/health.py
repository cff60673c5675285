"""A worker's health over HTTP: ``/healthz`` lives, ``/readyz`` does its work or says why not, ``/metrics``.

It is served by the worker's own event loop: a loop that hangs does not answer, and so is not alive.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from crm_online.errors import InvalidSetting
from crm_online.logs import Hide
from crm_online.settings.network import split_address
from streams.metrics import WorkerMetrics

_SLOW: Final = 0.4
"""Seconds; a commit takes milliseconds, and a checkpoint of the counters, now and then, more than this."""
_SLOW_IN_A_ROW: Final = 3
_COMMITTING: Final = "committing"
_hide = Hide()
_log = logging.getLogger(__name__)


class Health:
    """Whether a worker does its work, and what keeps it from it.

    Examples
    --------
    >>> health = Health()
    >>> health.reasons
    ['partitions: none assigned yet']
    >>> health.partitions(assigned={0, 3}, claimed={0})
    >>> health.waiting("store", "Redis at db:6379 is full")
    >>> health.reasons
    ['partitions: not yet claimed: 3', 'store: Redis at db:6379 is full']
    >>> health.fine("store")
    >>> health.partitions(assigned={0, 3}, claimed={0, 3})
    >>> health.ready
    True
    """

    def __init__(self) -> None:
        self._reasons = {"partitions": "none assigned yet"}
        self._slow_commits = 0

    def waiting(self, name: str, reason: str) -> None:
        """Note that the worker waits.

        Parameters
        ----------
        name : str
            What is being tried, such as ``claiming partition 3``.
        reason : str
            What is wrong with it, in one line; user and password in URLs are removed.
        """
        self._reasons[name] = _hide(reason)

    def fine(self, name: str) -> None:
        """Note that the worker waits for this no more; nothing happens where it did not."""
        self._reasons.pop(name, None)

    def committed(self, seconds: float) -> None:
        """Note how long a commit took; several slow ones in a row are waiting, until one is not slow."""
        self._slow_commits = self._slow_commits + 1 if seconds > _SLOW else 0
        if not self._slow_commits:
            self.fine(_COMMITTING)
        elif self._slow_commits >= _SLOW_IN_A_ROW:
            reason = f"the store is slow: the last commit took {seconds:.1f} s"
            self.waiting(_COMMITTING, reason)
            _log.warning(reason)

    def partitions(self, assigned: Collection[int], claimed: Collection[int]) -> None:
        """Note which partitions are this worker's, and which of them it has claimed.

        A worker that the group has given nothing to do is ready: it takes over when another ends.
        """
        missing = sorted(set(assigned) - set(claimed))
        if missing:
            self.waiting("partitions", f"not yet claimed: {', '.join(map(str, missing))}")
        else:
            self.fine("partitions")

    @property
    def ready(self) -> bool:
        """Whether nothing keeps the worker from its work."""
        return not self._reasons

    @property
    def reasons(self) -> list[str]:
        """What keeps the worker from its work, one line each."""
        return [f"{name}: {reason}" for name, reason in self._reasons.items()]


@asynccontextmanager
async def serving(listen: str | None, metrics: WorkerMetrics, health: Health) -> AsyncIterator[str | None]:
    """Serve health and metrics while the context lasts.

    Parameters
    ----------
    listen : str or None
        ``host:port``, an IPv6 address in brackets; port 0 takes a free one. None: nothing is served.
    metrics : WorkerMetrics
        What ``/metrics`` shows.
    health : Health
        What ``/readyz`` shows.

    Yields
    ------
    str or None
        Where it is served, as ``host:port``.

    Raises
    ------
    InvalidSetting
        ``worker.listen`` cannot be listened on: in use by another process, not allowed.
    """
    if listen is None:
        yield None
        return
    host, port = split_address(listen)
    # A scraper that keeps its connection open must not hold the worker up when it stops.
    runner = web.AppRunner(_application(metrics, health), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
            raise InvalidSetting(f"worker.listen: {listen} cannot be listened on: {why}") from error
        yield f"{listen.rpartition(':')[0]}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _application(metrics: WorkerMetrics, health: Health) -> web.Application:
    """Return the web application of the three pages."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        answer = {"ready": health.ready, "reasons": health.reasons}
        return web.json_response(answer, status=200 if health.ready else 503)

    async def show_metrics(_: web.Request) -> web.Response:
        metrics.ready(health.ready)
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    for path, page in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", show_metrics)):
        application.router.add_get(path, page, allow_head=False)
    return application
