"""Counts and times every request, and makes a problem of an exception that no route expected."""

from __future__ import annotations

import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_online.api.metrics import ServiceMetrics
from crm_online.api.problems import problem_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Middleware: counts and times requests; an unexpected exception is logged once, and made a problem."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        started = False

        async def counted(message: Message) -> None:
            nonlocal started
            if not started and message["type"] == "http.response.start":
                started = True
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.request(_route(scope), method, message["status"], time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except ClientDisconnect:
            # It went, or was too slow, while its body was read: there is no client left to answer.
            return
        except Exception as error:
            problem = problem_of(error)
            if not started:
                await problem.response()(scope, receive, counted)


def _route(scope: Scope) -> str:
    """Return the template of the route that answered: never a path, since there are too many."""
    return getattr(scope.get("route"), "path_format", "other")
