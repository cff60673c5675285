"""Many readers of the feed of changes, in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

_CHANGE = re.compile(rb'"change_id":"0-0-([0-9]+)"')
_PLACE = re.compile(rb"^id: (\S+)$", re.MULTILINE)
_SMALL = 4096
_SEGMENT = 536
"""Bytes that a slow reader's socket takes, and of its packets: with the large ones of a machine's own network, the
kernel would hold megabytes of what nobody reads, and the service not notice that it waits."""
_AGAIN = 1.0
_LATE = 60.0
_SURPLUS = 1.0
_OPENING = 100


class Way(StrEnum):
    """How a reader reads."""

    PLAIN = "plain"
    FILTERED = "filtered"
    LEAVING = "leaving"
    PAUSING = "pausing"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Plan:
    """One reader: how it reads, and the query that it asks with."""

    way: Way
    query: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader has heard.

    Attributes
    ----------
    begin
        The number of the change behind which it began.
    numbers
        Of the changes, as they came.
    times, counts
        When something came, on the machine's monotonic clock, and how many changes that were.
    gaps, connections
        How often it was told of a gap, and how often it connected.
    """

    begin: int
    numbers: NDArray[np.int64]
    times: NDArray[np.float64]
    counts: NDArray[np.int64]
    gaps: int
    connections: int


class Readers:
    """The readers, as the benchmark sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def opened(self) -> None:
        """Wait until all feeds are open."""
        assert self._connection.recv() == "open"

    def slow(self, *, slow: bool) -> None:
        """Let those who can be slow be slow from now on, or no longer."""
        self._connection.send(slow)

    def end(self, last: Mapping[str, int]) -> list[Found]:
        """Return what all have heard, once each has heard of the last change, by query, or it is late."""
        self._connection.send(dict(last))
        found: list[Found] = self._connection.recv()
        return found


@contextmanager
def reading(port: int, plans: Sequence[Plan]) -> Iterator[Readers]:
    """Run readers of the service at a port of this machine."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, port, list(plans)), daemon=True)
    process.start()
    theirs.close()  # so that its end is heard, if it fails
    try:
        yield Readers(ours)
    finally:
        process.kill()
        process.join()


def _main(connection: Connection, port: int, plans: Sequence[Plan]) -> None:
    asyncio.run(_Crowd(connection, port, plans).run())


class _Crowd:
    """All readers, in their own process."""

    def __init__(self, connection: Connection, port: int, plans: Sequence[Plan]) -> None:
        self._connection = connection
        self.calm = asyncio.Event()
        self.calm.set()
        self._readers = [_Reader(self, port, plan, random.Random(number)) for number, plan in enumerate(plans)]
        self._known: dict[bytes, tuple[list[int], bytes]] = {}

    async def run(self) -> None:
        tasks: list[asyncio.Task[None]] = []
        for at in range(0, len(self._readers), _OPENING):
            part = self._readers[at : at + _OPENING]
            tasks += [asyncio.create_task(reader.run()) for reader in part]
            await asyncio.gather(*(reader.opened.wait() for reader in part))
        self._connection.send("open")
        while True:
            said = await self._said()
            if isinstance(said, dict):
                break
            self.calm.clear() if said else self.calm.set()
        self.calm.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LATE):
                await asyncio.gather(*(reader.heard(said[reader.query]) for reader in self._readers))
        await asyncio.sleep(_SURPLUS)  # so that what is told twice at the end is seen too
        self._connection.send([reader.found for reader in self._readers])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _said(self) -> object:
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._connection.fileno(), came.set)
        try:
            await came.wait()
        finally:
            loop.remove_reader(self._connection.fileno())
        return self._connection.recv()

    def parsed(self, data: bytes) -> tuple[list[int], bytes]:
        """Return the numbers of the changes in some events, and the last place; most readers get the same bytes."""
        found = self._known.get(data)
        if found is None:
            if len(self._known) >= 1000:
                self._known.clear()
            places = _PLACE.findall(data)
            found = [int(number) for number in _CHANGE.findall(data)], places[-1] if places else b""
            self._known[data] = found
        return found


class _Reader:
    """One reader."""

    def __init__(self, crowd: _Crowd, port: int, plan: Plan, chance: random.Random) -> None:
        self._crowd, self._port, self._way, self.query, self._chance = crowd, port, plan.way, plan.query, chance
        self.opened = asyncio.Event()
        self._place = b""
        self._begin = 0
        self._numbers: list[int] = []
        self._times: list[float] = []
        self._counts: list[int] = []
        self._gaps = self._connections = 0
        self._came = asyncio.Event()

    @property
    def found(self) -> Found:
        """What it has heard."""
        arrays = np.array(self._numbers, np.int64), np.array(self._times), np.array(self._counts, np.int64)
        return Found(self._begin, *arrays, self._gaps, self._connections)

    async def heard(self, last: int) -> None:
        """Wait until it has heard of a change."""
        while (self._numbers[-1] if self._numbers else self._begin) < max(last, self._begin):
            self._came.clear()
            await self._came.wait()

    async def run(self) -> None:
        """Read for ever, and come again whenever the feed ends."""
        while True:
            stay = self._chance.uniform(1, 5) if self._way is Way.LEAVING else None
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with asyncio.timeout(stay):
                    await self._read()
            await asyncio.sleep(self._chance.uniform(0, _AGAIN))

    async def _read(self) -> None:
        slow = self._way in (Way.PAUSING, Way.STUCK)
        own = socket.socket()
        own.setblocking(False)
        if slow:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        try:
            await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", self._port))
        except BaseException:
            own.close()
            raise
        stream, writer = await asyncio.open_connection(sock=own, limit=_SMALL if slow else 65_536)
        try:
            self._connections += 1
            again = b"Last-Event-ID: %s\r\n" % self._place if self._place else b""
            writer.write(b"GET /v1/changes%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (self.query.encode(), again))
            head = await stream.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                raise ConnectionError(head.decode())
            while size := int(await stream.readuntil(b"\r\n"), 16):
                self._take((await stream.readexactly(size + 2))[:-2])
                if slow and not self._crowd.calm.is_set():
                    await self._pause()
        finally:
            writer.transport.abort()

    async def _pause(self) -> None:
        """Take nothing: for a while, or until there is calm again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if self._way is Way.STUCK else self._chance.uniform(1, 4)):
                await self._crowd.calm.wait()

    def _take(self, data: bytes) -> None:
        now = time.monotonic()
        numbers, place = self._crowd.parsed(data)
        if not self._place:
            self._begin = int(place.rpartition(b"-")[2])
            self.opened.set()
        self._place = place or self._place
        self._gaps += data.count(b"event: gap\n")
        if numbers:
            self._numbers += numbers
            self._times.append(now)
            self._counts.append(len(numbers))
            self._came.set()
