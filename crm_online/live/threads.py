"""Threads for work that would block the event loop, each run of it timed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Some threads, ended by `stop`.

    Parameters
    ----------
    count, name
        How many there are, and what they are called.
    timed
        Called with the seconds of each run.
    """

    def __init__(self, count: int, name: str, timed: Callable[[float], None] | None = None) -> None:
        self._pool = ThreadPoolExecutor(count, name)
        self._timed = timed

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns, run in one of the threads."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await loop.run_in_executor(self._pool, lambda: work(*args, **kwargs))
        if self._timed:
            self._timed(loop.time() - began)
        return found

    async def stop(self) -> None:
        """Wait for the runs under way, and drop those that have not begun."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
