"""The publication for the scope ``aggregates``, made anew when it is asked for, and not often."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from crm_online.answers.aggregates import Aggregates
from crm_online.live.part import ServicePart
from crm_online.live.threads import Threads
from crm_online.lookup.aggregates import renewed
from crm_online.store import Store

_EVERY: Final = 60.0


class AggregateMaker(ServicePart):
    """Makes the aggregates of a state.

    Parameters
    ----------
    store
        The state; it may be empty at first.
    least
        The setting ``privacy.least_customers``.
    every
        Seconds for which what was made is answered again.
    """

    def __init__(self, store: Store, least: int, every: float = _EVERY) -> None:
        self._store, self._least, self._every = store, least, every
        self._threads, self._making = Threads(1, "aggregates"), asyncio.Lock()
        self._made: Aggregates | None = None
        self._made_at = 0.0

    async def stop(self) -> None:
        """Wait for what is being made."""
        await self._threads.stop()

    async def current(self) -> Aggregates:
        """Return the aggregates.

        Raises
        ------
        StoreError
            If the state cannot be read or written, or there is none.
        """
        async with self._making:
            if self._made is None or time.monotonic() - self._made_at >= self._every:
                self._made = (await self._threads.run(renewed, self._store, self._least)).aggregates
                self._made_at = time.monotonic()
            return self._made
