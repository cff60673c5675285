"""Who takes a state back to its beginning while workers run, and calls again until it is done."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from itertools import count
from random import Random

from crm_online.commands.undo_leap import reset_partitions
from crm_online.errors import FenceError, StoreError
from crm_online.settings import Settings
from tests.simulation.faults import Faults
from tests.simulation.loop import PROCESS, SimulatedLoop
from tests.simulation.store import SimulatedRedis

_KILLED = 0.3
_AGAIN = 0.2
_DISTURBED = 3
"""Tries in which requests go wrong; so many more can only be overtaken, and then nothing comes in between."""


class Operator:
    """Calls ``undo-leap``, in processes whose requests go wrong as all others do, and which may be killed.

    Parameters
    ----------
    loop, redis
        Where they run, and where the state is.
    settings, now
        What shaped the state, and the time of the changes, in ms.
    faults
        Counts them.
    """

    def __init__(
        self, loop: SimulatedLoop, redis: SimulatedRedis, settings: Settings, now: int, faults: Faults
    ) -> None:
        self._loop, self._redis, self._settings, self._now, self._faults = loop, redis, settings, now, faults
        self._numbers = count()
        self._calling: asyncio.Task[None] | None = None

    def undo(self, seed: float) -> None:
        """Begin, unless it is under way."""
        if self._calling is None or self._calling.done():
            self._calling = self._loop.create_task(self._call(Random(seed)))

    async def finished(self) -> None:
        """Wait until all partitions have gone back, if that has begun."""
        if self._calling is not None:
            await self._calling

    async def _call(self, random: Random) -> None:
        self._faults.count("taken back to the beginning")
        for tries in count():
            name = f"operator.{next(self._numbers)}"
            context = copy_context()
            context.run(PROCESS.set, name)
            tried = self._loop.create_task(self._try(tries), context=context)
            patience = random.uniform(0, 2) if random.random() < _KILLED else None
            await asyncio.wait([tried], timeout=patience)
            if not tried.done():
                self._faults.count("operator killed")
                self._loop.kill(name)
            elif tried.result():
                return
            await asyncio.sleep(random.uniform(0, _AGAIN))

    async def _try(self, tries: int) -> bool:
        try:
            await self._loop.run_in_executor(None, self._reset, tries)
        except (StoreError, FenceError):
            return False
        return True

    def _reset(self, tries: int) -> None:
        store = self._redis.store(tries < _DISTURBED) if tries < 2 * _DISTURBED else self._redis.reliable_store()
        list(reset_partitions(store, self._settings, self._now))
