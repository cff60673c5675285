"""Asks a service for many customers, over connections that stay open: from a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
import uvloop
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked.

    Attributes
    ----------
    port
        Of the service on this machine.
    paths
        One after the other, and again from the first.
    connections
        How many there are, each with one request under way at most.
    seconds
        For how long.
    rate
        Requests a second, however long the answers take; ``None``: on each connection the next one follows the answer.
    """

    port: int
    paths: Sequence[str]
    connections: int
    seconds: float
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes
    ----------
    seconds
        From when each request was due until its answer was there, in the order of the answers.
    per_second
        Answers a second.
    wrong
        How many had another status than 200.
    """

    seconds: NDArray[np.float64]
    per_second: float
    wrong: int


def asked(ask: Ask) -> Answered:
    """Ask from another process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, ask).result()


def _run(ask: Ask) -> Answered:
    return uvloop.run(_asked(ask))


async def _asked(ask: Ask) -> Answered:
    loop = asyncio.get_running_loop()
    requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in ask.paths]
    work = _Work(requests)
    connections = [
        (await loop.create_connection(lambda: _Connection(work), "127.0.0.1", ask.port))[1]
        for _ in range(ask.connections)
    ]
    work.idle.extend(connections)
    began = loop.time()
    if ask.rate is None:
        work.again = True
        work.due.extend([loop.time()] * len(connections))
        work.send()
        await asyncio.sleep(ask.seconds)
        work.again = False
    else:
        for number in range(int(ask.rate * ask.seconds)):
            at = began + number / ask.rate
            if (wait := at - loop.time()) > 0:
                await asyncio.sleep(wait)
            work.due.append(at)
            work.send()
    took = loop.time() - began
    for connection in connections:
        connection.close()
    seconds = np.array(work.seconds)
    return Answered(seconds, len(seconds) / took, work.wrong)


class _Work:
    """What is to be asked, and what came back."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.requests, self.number = requests, 0
        self.idle: deque[_Connection] = deque()
        self.due: deque[float] = deque()
        self.seconds: list[float] = []
        self.wrong = 0
        self.again = False

    def send(self) -> None:
        """Send what is due on connections that wait for nothing."""
        while self.due and self.idle:
            connection = self.idle.popleft()
            connection.ask(self.requests[self.number % len(self.requests)], self.due.popleft())
            self.number += 1

    def done(self, connection: _Connection, due: float, ok: bool) -> None:
        """Take an answer."""
        now = time.monotonic()
        self.seconds.append(now - due)
        self.wrong += not ok
        self.idle.append(connection)
        if self.again:
            self.due.append(now)
        self.send()


class _Connection(asyncio.Protocol):
    """One connection; it reads as much of an answer as it must to know its end."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._data, self._missing, self._due = b"", 0, 0.0
        self._ok = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes, due: float) -> None:
        """Send a request."""
        self._due = due
        self._transport.write(request)

    def close(self) -> None:
        """End."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        if not self._missing:
            self._data += data
            head, found, body = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            self._ok = head.startswith(b"HTTP/1.1 200")
            at = head.lower().index(b"content-length:") + 15
            self._missing = int(head[at : (head + b"\r\n").index(b"\r\n", at)]) - len(body)
            self._data = b""
        else:
            self._missing -= len(data)
        if not self._missing:
            self._work.done(self, self._due, self._ok)
