"""What a request may take: its rate and its body. Plain ASGI, since it is on every path."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_online.api.problems import ProblemError

_REMEMBERED = 10_000
_SEPARATORS: Final = (b",", b"[", b"{")


class RateLimit:
    """How often each caller may ask: a rate that holds in the long run, and as many requests at once as in a second.

    It remembers one number for each caller, when the last second's worth is used up (the generic cell rate
    algorithm), and at most twice ``remembered`` callers: more make those longest unseen forgotten.

    Parameters
    ----------
    rate
        Requests a second.
    remembered
        How many callers are remembered at least.
    clock
        Seconds that only grow.

    Examples
    --------
    >>> limit = RateLimit(2.0, clock=lambda: 100.0)
    >>> [limit.wait("a") for _ in range(4)], limit.wait("b")
    ([0.0, 0.0, 0.5, 0.5], 0.0)
    """

    def __init__(self, rate: float, remembered: int = _REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = 1.0 / rate
        self._room = max(1.0, self._cost) - self._cost
        self._remembered = remembered
        self._clock = clock
        self._now: dict[str, float] = {}
        self._before: dict[str, float] = {}

    def wait(self, caller: str, amount: float = 1.0) -> float:
        """Count a request, as so many; return 0, or the seconds to wait before the next one if it is one too many."""
        now = self._clock()
        used = self._now.get(caller)
        if used is None:
            if len(self._now) >= self._remembered:
                self._before, self._now = self._now, {}
            used = self._before.get(caller, now)
        used = max(used, now)
        wait = used - now - self._room
        # Differences of large floats are not exact.
        if wait > 1e-6:
            self._now[caller] = used
            return wait
        self._now[caller] = used + self._cost * amount
        return 0.0


def network_of(address: str) -> str:
    """Return whose an address is: of IPv6 the first 64 bits, since a line has as many addresses as it likes.

    Examples
    --------
    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3:4:5:6")
    ('192.0.2.7', '2001:db8:1:2::')
    """
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False).network_address)
    except ValueError:
        return address


VALUES: Final = 150_000
"""Values that the JSON of a body may have, about: a reader makes each one, while nobody else is answered."""


class BodyLimit:
    """Middleware: no body is larger than a limit, whether its length is declared or not, or has too many values."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._detail = f"the body is larger than {limit:,} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or len(declared) > 18 or int(declared) > self._limit:
            await ProblemError(413, self._detail).response()(scope, receive, send)
            return
        received = values = 0

        async def counted() -> Message:
            nonlocal received, values
            message = await receive()
            body = message.get("body", b"")
            received += len(body)
            values += sum(map(body.count, _SEPARATORS))
            # FastAPI lets these through while it reads a body; all others become a 400.
            if received > self._limit:
                raise HTTPException(413, self._detail)
            if values > VALUES:
                raise HTTPException(413, f"the body has more than {VALUES:,} values")
            return message

        await self._app(scope, counted, send)
