"""A receiver of webhooks that takes what it gets, or fails, hangs, closes or forgets that it took it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

Behaviour = Literal["take", "fail", "refuse", "later", "redirect", "hang", "close", "forget"]
"""``forget``: it takes it and closes the connection without an answer, so that it comes again."""
_STATUS = {"take": "204 No Content", "fail": "500 Oops", "refuse": "400 Bad Request", "later": "429 Too Many Requests"}


@dataclass(frozen=True)
class Message:
    """What was posted."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def value(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass
class Taker:
    """What a receiver got, and how it behaves.

    Attributes
    ----------
    taken
        What it has taken, in the order in which it did.
    asked
        How often it was asked.
    """

    behave: Callable[[Message], Behaviour] = lambda _: "take"
    taken: list[Message] = field(default_factory=list)
    asked: int = 0
    url: str = ""
    _first: dict[str, None] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """What it has taken, each once, in the order in which it first came."""
        return list(self._first)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        message = Message(headers, await reader.readexactly(int(headers["content-length"])))
        self.asked += 1
        behaviour = self.behave(message)
        if behaviour in ("take", "forget"):
            self.taken.append(message)
            self._first.setdefault(message.id)
        if behaviour in ("close", "forget"):
            return False
        if behaviour == "hang":
            await reader.read()  # until the other side gives it up
            return False
        status = _STATUS.get(behaviour, "307 Elsewhere\r\nLocation: http://127.0.0.1:1/")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        return True


def unreliable(seed: int, hangs: float = 0.005) -> Callable[[Message], Behaviour]:
    """Return a receiver's behaviour that takes seven in ten at once."""
    random = Random(seed)
    others: list[Behaviour] = ["fail", "later", "redirect", "close", "forget"]

    def behave(_: Message) -> Behaviour:
        if random.random() < hangs:
            return "hang"
        return random.choice(others) if random.random() < 0.3 else "take"

    return behave


@contextmanager
def receiving(taker: Taker) -> Iterator[Taker]:
    """Let a receiver listen, in a thread of its own."""
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def listen() -> None:
        server = await asyncio.start_server(taker.serve, "127.0.0.1", 0)
        taker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        started.set()
        async with server:
            await stop.wait()

    async def run() -> None:
        await listen()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=[run()])
    thread.start()
    try:
        started.wait()
        yield taker
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
