"""The feed of changes, for programs that wait and for asyncio and trio: how they read, wait and end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Self

import anyio
import httpx
from httpx_sse import EventSource, ServerSentEvent
from tenacity import AsyncRetrying, Retrying

from crm_online.client.feed_state import Change, FeedState, ended
from crm_online.client.transport import retry_options, unavailable
from crm_online.errors import ServiceError

_LOST = (ServiceError, httpx.TransportError, httpx.StreamError)


class Feed:
    """The changes as they come, each once; made by `Client.changes`.

    When the connection is lost it connects again, with pauses, and goes on where it was; a `Gap` among the changes says
    that some were missed all the same. It ends when it or its client is closed, from whatever thread.
    """

    def __init__(self, stream: Callable[[FeedState], httpx.Response], state: FeedState, seconds: float) -> None:
        self._stream, self._state, self._seconds = stream, state, seconds
        self._response: httpx.Response | None = None
        self._events: Iterator[ServerSentEvent] | None = None
        self._reading = threading.Lock()
        self._closed = threading.Event()

    @property
    def cursor(self) -> str | None:
        """The cursor after the last change, to resume there later; None: it has not begun."""
        return self._state.cursor

    def __enter__(self) -> Self:
        """Begin: from now on no change is missed.

        Raises
        ------
        ServiceError
            If the service does not let it, or does not answer within the client's patience.
        """
        with self._reading:
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> Change:
        """Return the next change once there is one.

        Raises
        ------
        ServiceError
            If the service will not go on (the key was revoked), or what it sends cannot be read.
        """
        with self._reading:
            self._begin()
            while not self._closed.is_set():
                try:
                    if self._events is None:
                        self._connect()
                    for event in self._events or ():
                        if (change := self._state.read(event)) is not None:
                            return change
                    raise ended()
                except _LOST as error:
                    self._disconnect()
                    if not self._closed.is_set():
                        self._closed.wait(self._state.pause_after(error))
            self._disconnect()
        raise StopIteration

    def close(self) -> None:
        """End it, and wake whoever waits for its next change."""
        self._closed.set()
        response = self._response
        if response is not None and (stream := response.extensions.get("network_stream")) is not None:
            connection = stream.get_extra_info("socket")
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._reading.acquire(blocking=False):
            self._disconnect()
            self._reading.release()

    def _begin(self) -> None:
        if not self._state.has_opened and not self._closed.is_set():
            Retrying(**retry_options(self._seconds))(self._connect)

    def _connect(self) -> None:
        self._response = self._stream(self._state)
        self._events = EventSource(self._response).iter_sse()
        try:
            self._state.begin(next(self._events, None))
        except _LOST as error:
            self._disconnect()
            raise error if isinstance(error, ServiceError) else unavailable(self._state.call, error) from error

    def _disconnect(self) -> None:
        response, self._response, self._events = self._response, None, None
        if response is not None:
            response.close()


class AsyncFeed:
    """The changes as they come, each once; made by `AsyncClient.changes`; else as `Feed`."""

    def __init__(
        self, stream: Callable[[FeedState], Awaitable[httpx.Response]], state: FeedState, seconds: float
    ) -> None:
        self._stream, self._state, self._seconds = stream, state, seconds
        self._response: httpx.Response | None = None
        self._events: AsyncIterator[ServerSentEvent] | None = None
        self._waiting: anyio.CancelScope | None = None
        self._closed = False

    @property
    def cursor(self) -> str | None:
        """The cursor after the last change, to resume there later; None: it has not begun."""
        return self._state.cursor

    async def __aenter__(self) -> Self:
        """Begin: from now on no change is missed.

        Raises
        ------
        ServiceError
            If the service does not let it, or does not answer within the client's patience.
        """
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> Change:
        """Return the next change once there is one.

        Raises
        ------
        ServiceError
            If the service will not go on (the key was revoked), or what it sends cannot be read.
        """
        if not self._closed:
            try:
                with anyio.CancelScope() as self._waiting:
                    return await self._next()
            finally:
                self._waiting = None
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End it, and wake whoever waits for its next change."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()
        else:
            await self._disconnect()

    async def _next(self) -> Change:
        await self._begin()
        while True:
            try:
                if self._events is None:
                    await self._connect()
                if self._events is not None:
                    async for event in self._events:
                        if (change := self._state.read(event)) is not None:
                            return change
                raise ended()
            except _LOST as error:
                await self._disconnect()
                await anyio.sleep(self._state.pause_after(error))
            except anyio.get_cancelled_exc_class():
                await self._disconnect()
                raise

    async def _begin(self) -> None:
        if not self._state.has_opened:
            await AsyncRetrying(**retry_options(self._seconds))(self._connect)

    async def _connect(self) -> None:
        self._response = await self._stream(self._state)
        self._events = EventSource(self._response).aiter_sse()
        try:
            self._state.begin(await anext(self._events, None))
        except _LOST as error:
            await self._disconnect()
            raise error if isinstance(error, ServiceError) else unavailable(self._state.call, error) from error

    async def _disconnect(self) -> None:
        response, events, self._response, self._events = self._response, self._events, None, None
        if response is not None:
            with anyio.CancelScope(shield=True):
                await response.aclose()
                # httpx's generators end by reading on. Closing the outermost would leave those within to the garbage
                # collector, of which trio warns.
                if events is not None:
                    with contextlib.suppress(*_LOST):
                        async for _ in events:
                            pass
