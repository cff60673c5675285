"""Limits open feeds: in total and for each key; feeds of revoked or expired keys are closed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_online.api.keyfile import Caller
from crm_online.api.keys import CALLER, Keys
from crm_online.api.metrics import ServiceMetrics
from crm_online.api.problems import ProblemError
from crm_online.settings import ServeSettings

CHANGES = "/v1/changes"
_CHECK_EVERY = 1.0
"""Seconds between two looks at whether the keys of open feeds are in force."""


class FeedLimit:
    """Middleware: opens and ends feeds of changes within the limits, and counts them.

    Parameters
    ----------
    app
        The application that it guards.
    settings
        How many feeds there may be.
    keys
        The keys in force.
    metrics
        Where feeds and refusals are counted.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings, keys: Keys, metrics: ServiceMetrics) -> None:
        self._app, self._keys, self._metrics = app, keys, metrics
        self._limit, self._limit_of_key = settings.feeds, settings.feeds_per_key
        self._open = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != CHANGES:
            await self._app(scope, receive, send)
            return
        caller: Caller = scope[CALLER]
        if (why := self._refusal(caller)) is not None:
            self._metrics.refused("feeds")
            problem = ProblemError(503, why, kind="feeds", headers={"Retry-After": "10"})
            await problem.response()(scope, receive, send)
            return
        with self._counted(caller):
            if not self._keys.configured:
                await self._app(scope, receive, send)
                return
            revoked = asyncio.create_task(self._until_revoked(caller))
            try:
                await self._app(scope, _Receiver(receive, revoked), send)
            finally:
                revoked.cancel()

    def _refusal(self, caller: Caller) -> str | None:
        if self._open.total() >= self._limit:
            return f"{self._limit:,} feeds are open, and no more may be"
        if self._keys.configured and self._open[caller.id] >= self._limit_of_key:
            return f"{self._limit_of_key:,} feeds of this key are open, and no more may be"
        return None

    @contextmanager
    def _counted(self, caller: Caller) -> Iterator[None]:
        self._open[caller.id] += 1
        self._metrics.feeds.inc()
        try:
            yield
        finally:
            self._open[caller.id] -= 1
            if not self._open[caller.id]:
                del self._open[caller.id]
            self._metrics.feeds.dec()

    async def _until_revoked(self, caller: Caller) -> None:
        while self._keys.holder(caller.id) is not None:
            await asyncio.sleep(_CHECK_EVERY)


class _Receiver:
    """What the application receives of a request: as if the client had gone, once the key is revoked."""

    def __init__(self, receive: Receive, revoked: asyncio.Task[None]) -> None:
        self._receive, self._revoked = receive, revoked

    async def __call__(self) -> Message:
        message = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait((message, self._revoked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not message.done():
                message.cancel()
        return {"type": "http.disconnect"} if message.cancelled() or not message.done() else message.result()
