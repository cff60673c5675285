"""Customers who are to be erased over HTTP: asked for at once, done by whoever feeds the state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from crm_online.events.models import EVENT
from crm_online.events.times import to_iso
from crm_online.live.ingestion.state_sink import StateSink
from crm_online.lookup.erasures import Erasure, note_erasure, read_erasure
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.store import Store


class Erasures:
    """Has customers erased, and says how many are.

    Parameters
    ----------
    store
        The state.
    sink
        Where ``erase`` events go.
    pseudonyms
        By which ids are stored.
    """

    def __init__(self, store: Store, sink: StateSink, pseudonyms: Pseudonyms) -> None:
        self._store, self._sink, self._pseudonyms = store, sink, pseudonyms

    async def ask(self, customers: Sequence[str], producer: str) -> Erasure:
        """Have customers erased, and return how far that is: done where the engine is here, begun where workers feed.

        Parameters
        ----------
        customers
            Their ids, each once.
        producer
            Who sends the events.

        Raises
        ------
        EventsRefused
            If events are not accepted here, or not now.
        StoreError, FenceError, BrokerError
            If it is not known whether they will be erased: ask again.
        """
        now = int(time.time() * 1000)
        made = await asyncio.to_thread(note_erasure, self._store, customers, now, self._pseudonyms)
        events = [
            EVENT.validate_python({"type": "erase", "customer_id": one, "time": to_iso(made.time)}) for one in customers
        ]
        await self._sink.accept(events, producer)
        return await self.find(made.id) or made

    async def find(self, name: str) -> Erasure | None:
        """Return an erasure that was asked for, as it stands now; ``None``: none of this id is kept.

        Raises
        ------
        StoreError
            If the state cannot be read.
        """
        return await asyncio.to_thread(read_erasure, self._store, name)
