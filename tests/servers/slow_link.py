"""A link to a server that can be made slow: what is sent through it arrives late, in order and whole."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self

from tests.servers.processes import free_port


class SlowLink:
    """Listens on a port and passes everything on to another; it runs as long as the block.

    Parameters
    ----------
    port
        The server's, on this machine.

    Attributes
    ----------
    port
        Where it listens.
    delay
        Seconds by which answers come late.
    """

    def __init__(self, port: int) -> None:
        self._to, self.port, self.delay = port, free_port(), 0.0
        self._loop = asyncio.new_event_loop()
        self._listening, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break all connections."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self._listening.set()
        await self._stop.wait()
        server.close()
        links = asyncio.all_tasks() - {asyncio.current_task()}
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            answers, requests = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._pass(reader, requests, slow=False), self._pass(answers, writer, slow=True))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
