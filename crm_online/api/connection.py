"""A client's connection: uvicorn's own, with timeouts.

uvicorn waits for ever for the rest of a request, and for a client that reads nothing of its answer: a few hundred
connections that send a byte now and then ("slow loris") would hold all there are.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from crm_online.api.headers import ALWAYS
from crm_online.api.problems import ProblemError, phrase

_HEAD: Final = 65_536
_LINGER: Final = 2.0


class Connection(HttpToolsProtocol):
    """One connection.

    Attributes
    ----------
    timeout
        Seconds in which a request must be complete, and for which a client may read nothing.
    limit
        Connections that may be open at once: a further one ends the one that has been silent the longest, so that
        those who only hold connections never shut out those who ask.
    silent
        The connections that wait for a request, the longest first.
    """

    timeout: ClassVar[float] = 10.0
    limit: ClassVar[int] = 4000
    silent: ClassVar[dict[Connection, None]] = {}

    _late: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _asked = False
    _in_head = False
    _refused = False
    _received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(cast(asyncio.Transport, transport))
        if len(self.connections) > self.limit and not self._end_longest_silent():
            self._refuse(503, "too many connections are open")
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._disconnect()
        self._have_request()
        self._reads_again()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_head:
            self._received += len(data)
            if self._received > _HEAD:
                long_url = len(self.url) > _HEAD // 2
                self._refuse(414 if long_url else 431, f"a request's head has at most {_HEAD:,} bytes")
        elif self._late is None and not self._answering():
            # Empty lines before a request begin no message, but they have ended the wait for one.
            self._await_request()

    def on_message_begin(self) -> None:
        """Note the first byte of a request."""
        super().on_message_begin()
        self._in_head, self._received = True, 0
        self._await_request()

    def on_headers_complete(self) -> None:
        """Note the end of a request's head."""
        self._in_head = False
        super().on_headers_complete()
        self._asked = True

    def on_message_complete(self) -> None:
        """Note the end of a request."""
        self._have_request()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note the end of an answer."""
        super().on_response_complete()
        if not self._answering() and not self.transport.is_closing():
            self.silent[self] = None

    def pause_writing(self) -> None:
        """Wait for the reader, but not for ever."""
        super().pause_writing()
        self._reads_again()
        self._stuck = self.loop.call_later(self.timeout, self._abort)

    def resume_writing(self) -> None:
        """Send again, since the client reads again."""
        self._reads_again()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin to answer, and remember what is being answered: of pipelined requests `cycle` is the last one."""
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _unsupported_upgrade_warning(self) -> None:
        """Do nothing: a request for another protocol is answered in this one; uvicorn would advise to install more."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, "not a valid HTTP request")

    def _abort(self) -> None:
        """Close at once; what is being answered and what waits is answered no further."""
        self._disconnect()
        self.transport.abort()

    def _disconnect(self) -> None:
        """Note in all requests that there is nobody to answer: uvicorn does so in the last one only."""
        for cycle in (self._answered, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()

    def _answering(self) -> bool:
        """Return whether a request is being answered, also one that is not complete yet."""
        return self._asked and not self.cycle.response_complete

    def _end_longest_silent(self) -> bool:
        """End the connection that has waited for a whole request the longest; return whether there is one."""
        connection = next(iter(self.silent), None)
        if connection is None:
            return False
        connection._have_request()
        connection._abort()
        return True

    def _await_request(self) -> None:
        self._have_request()
        self._late = self.loop.call_later(self.timeout, self._is_late)
        self.silent[self] = None

    def _have_request(self) -> None:
        self.silent.pop(self, None)
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _reads_again(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _is_late(self) -> None:
        self._late = None
        if self._in_head or self._answering():
            self._refuse(408, "the request was not whole in time")
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer without asking the application, and close once the client has had the time to read it."""
        self._have_request()
        self._refused = True
        if self.transport.is_closing():
            return
        if self._answering():
            # An answer that has begun cannot become another one; nor can those of the requests before this one, that
            # are still to come, follow a refusal.
            if self.cycle.response_started or self.pipeline or self._in_head:
                self._abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_answer(status, detail))
        # Closed at once, with unread bytes, it would be reset, and the answer lost.
        self.transport.write_eof()
        self.flow.resume_reading()
        self._late = self.loop.call_later(_LINGER, self._abort)


def connections(timeout: float, limit: int) -> type[Connection]:
    """Return the class of a server's connections: see `Connection` for what can be set."""
    return type("Connection", (Connection,), {"timeout": timeout, "limit": limit, "silent": {}})


def _answer(status: int, detail: str) -> bytes:
    response = ProblemError(status, detail).response()
    lines = [f"HTTP/1.1 {status} {phrase(status)}".encode(), b"connection: close"]
    lines += [name + b": " + value for name, value in (*response.raw_headers, *ALWAYS)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body)
