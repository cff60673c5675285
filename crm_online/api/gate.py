"""The gate that every request passes: it checks sizes, origin, key and rate.

With keys, whoever shows one may ask from anywhere; a browser may show a session, which stands for a key, as a cookie,
if the page that asks is the service's own. Without keys anybody may do everything, so only this machine may ask, and
of the pages that a browser of this machine shows only the service's own: others could reach it by their own name (DNS
rebinding), or send a request blindly.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from crm_online.api.keyfile import Caller
from crm_online.api.keys import ANYBODY, CALLER, Keys, no_key
from crm_online.api.limits import RateLimit, network_of
from crm_online.api.metrics import ServiceMetrics
from crm_online.api.problems import ProblemError
from crm_online.api.sessions import Sessions

COOKIE = "crm_online_session"
"""The cookie that holds a browser's session."""
SESSION = "crm_online.session"
"""Where the gate puts the session in an ASGI scope, if a request was let in by one."""
TLS_COOKIE = f"__Host-{COOKIE}"
"""Its name over TLS: with it browsers take it from this host only, and send it to this host only (RFC 6265bis)."""

_URL = 8192
_HEADER = 10_240
"""As long as the longest cursor of a feed, which ``Last-Event-ID`` is."""
_OPEN = frozenset({"/healthz", "/readyz"})
_SAFE = frozenset({"GET", "HEAD"})
_HEADERS_READ = frozenset({b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site"})
_LONGEST_KEY = 200
_REMEMBERED = 1000


class Gate:
    """Middleware: lets a request in with its caller, or refuses it.

    Parameters
    ----------
    app
        The application that the gate guards.
    keys
        The keys; none configured: only this machine may ask.
    sessions
        The sessions that cookies name.
    rate
        How often each caller may ask; None: as often as it likes.
    origins
        Other origins whose pages may ask, with a key of their own.
    metrics
        Where refusals are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        sessions: Sessions,
        rate: float | None,
        origins: Collection[str],
        metrics: ServiceMetrics,
    ) -> None:
        self._app = app
        self._keys, self._sessions = keys, sessions
        self._rate = RateLimit(rate) if rate else None
        self._origins = frozenset(origin.encode() for origin in origins)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            try:
                _must_be_short(scope)
                if scope["path"] not in _OPEN:
                    scope[CALLER] = self._let_in(scope)
                # FastAPI reads the cookies of every request, with a parser of the standard library that needs seconds
                # for a few kB of quoted quotes before Python 3.11.10 (CVE-2024-7592).
                scope["headers"] = [header for header in scope["headers"] if header[0] != b"cookie"]
            except ProblemError as problem:
                self._metrics.refused(problem.kind or str(problem.status))
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _let_in(self, scope: Scope) -> Caller | None:
        path = scope["path"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > _URL:
            raise ProblemError(414, f"the path and the query are longer than {_URL:,} bytes")
        if "\ufffd" in path and unquote_to_bytes(scope["raw_path"]) != path.encode():
            # uvicorn put that sign where the bytes were no text: it would be another customer's id.
            raise ProblemError(400, "the path is not percent-encoded UTF-8")
        headers = {name: value for name, value in scope["headers"] if name in _HEADERS_READ}
        guarded = path.startswith("/v1/") or path == "/metrics"
        if not self._keys.configured:
            _must_be_local(headers.get(b"host"))
            if guarded and _foreign(headers, self._origins):
                raise ProblemError(403, "pages of other sites may not ask, as no keys are configured", kind="origin")
            self._must_wait(_address(scope))
            return ANYBODY
        shown, caller = self._caller(headers, scope)
        self._must_wait(caller.id if caller else _address(scope))
        if guarded and caller is None:
            raise no_key(shown)
        return caller

    def _must_wait(self, caller: str) -> None:
        wait = self._rate.wait(caller) if self._rate else 0.0
        if wait:
            raise ProblemError(
                429, "too many requests", kind="rate", headers={"Retry-After": str(max(1, math.ceil(wait)))}
            )

    def _caller(self, headers: Mapping[bytes, bytes], scope: Scope) -> tuple[bool, Caller | None]:
        """Return whether a request shows a key or a session, and whose it is; None: nobody's."""
        header = headers.get(b"authorization")
        if header is not None:
            scheme, _, key = header.partition(b" ")
            right = scheme.lower() == b"bearer" and len(key) <= _LONGEST_KEY
            return True, self._keys.caller(key.strip().decode("latin-1")) if right else None
        session = session_of(headers.get(b"cookie", b""), cookie_name(scope))
        if session is None or not _from_own_page(headers, scope["method"]):
            return False, None
        scope[SESSION] = session
        key_id = self._sessions.key_id(session)
        return True, self._keys.holder(key_id) if key_id else None


def _must_be_short(scope: Scope) -> None:
    """Refuse a request with a long header before anything reads it."""
    for name, value in scope["headers"]:
        if len(name) + len(value) > _HEADER:
            raise ProblemError(431, f"a header is longer than {_HEADER:,} bytes")


def cookie_name(scope: Scope) -> str:
    """Return the name that the cookie has by the way in which a request came."""
    return TLS_COOKIE if scope["scheme"] == "https" else COOKIE


def session_of(header: bytes, name: str) -> str | None:
    """Return the session in the cookies of a request, which has no need of quotes; None if there is none.

    Examples
    --------
    >>> session_of(b"a=b; crm_online_session=1x; c=d", COOKIE), session_of(b"a=b", COOKIE)
    ('1x', None)
    """
    for cookie in header.split(b";"):
        found, _, value = cookie.partition(b"=")
        if found.strip() == name.encode():
            return value.strip()[:_LONGEST_KEY].decode("latin-1")
    return None


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(client[0]) if client else ""


def _must_be_local(host: bytes | None) -> None:
    """Refuse a request that reached this machine by a name that is not its own."""
    if host is None:
        return
    name = host.decode("latin-1").lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name.rstrip(".") != "localhost" and not is_loopback(name):
        raise ProblemError(403, "as no keys are configured, ask by the name localhost or by 127.0.0.1", kind="host")


@lru_cache(_REMEMBERED)
def is_loopback(address: str) -> bool:
    """Return whether only this machine reaches an address.

    Examples
    --------
    >>> [is_loopback(address) for address in ("127.3.2.1", "::1", "0.0.0.0", "shop.example")]
    [True, True, False, False]
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _own(headers: Mapping[bytes, bytes]) -> bool | None:
    """Return whether a request is from a page of the service itself; None: it has no header for that."""
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
    if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
        return False
    if site is not None:
        return site in (b"same-origin", b"none")
    return None if origin is None else True


def _foreign(headers: Mapping[bytes, bytes], origins: frozenset[bytes]) -> bool:
    return _own(headers) is False and headers.get(b"origin") not in origins


def _from_own_page(headers: Mapping[bytes, bytes], method: str) -> bool:
    """Return whether a cookie counts.

    Over plain HTTP browsers do not say which site asks, and no origin with a GET of the page's own.
    """
    own = _own(headers)
    return method in _SAFE if own is None else own
