"""Recommendations beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from crm_online.live.snapshots.latest import Snapshots
from crm_online.lookup import Lookup
from crm_online.lookup.recommending import Recommending

_THREADS: Final = 4


def derive(lookup: Lookup) -> object:
    """Make what recommendations need of a snapshot: what `Snapshots` is to be given."""
    return lookup.recommending


class Recommender:
    """Answers what to recommend, from the latest snapshot and the customer as of the question.

    Parameters
    ----------
    snapshots
        Snapshots that were given `derive`.
    timed
        Told how long each answer took, in seconds.
    """

    def __init__(self, snapshots: Snapshots, timed: Callable[[float], None] | None = None) -> None:
        self._snapshots, self._timed = snapshots, timed
        self._pool = ThreadPoolExecutor(_THREADS, "recommendations")

    async def start(self) -> None:
        """Nothing goes on in the background."""

    async def stop(self) -> None:
        """End the threads."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def trouble(self) -> str | None:
        """There is none but that of the snapshots."""
        return None

    async def recommend(self, customer: str | None, basket: Sequence[str], top: int) -> dict[str, Any]:
        """Return recommendations, see :meth:`crm_online.lookup.lookup.Lookup.recommend`.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        UnknownCustomer
            If there is no such customer, and no basket either.
        """
        made = self._snapshots.needed().derived
        if not isinstance(made, Recommending):
            raise TypeError("these snapshots hold nothing for recommendations")
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await loop.run_in_executor(self._pool, made.recommend, customer, basket, top)
        if self._timed:
            self._timed(loop.time() - began)
        return found
