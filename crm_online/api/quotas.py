"""How many events a key may send, and how many customers it may bring, so that one key does not fill the state."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

from crm_online.api.limits import RateLimit
from crm_online.api.problems import ProblemError
from crm_online.errors import StateMissing
from crm_online.events.models import Event
from crm_online.settings import ServeSettings

_MINUTE = 60.0

KnownCustomers = Callable[[Sequence[str]], Awaitable[int]]
"""Counts those of some customers who are in the state."""


class EventQuotas:
    """What each key may send in a time: a request that goes beyond is taken, and the next ones wait.

    Parameters
    ----------
    settings
        How much: ``event_rate`` and ``newcomer_rate``.
    known
        Who is in the state already; asked only where newcomers are counted.
    """

    def __init__(self, settings: ServeSettings, known: KnownCustomers) -> None:
        self._known = known
        self._events = RateLimit(settings.event_rate) if settings.event_rate else None
        self._newcomers = RateLimit(settings.newcomer_rate / _MINUTE) if settings.newcomer_rate else None

    async def charge(self, key: str, events: Sequence[Event]) -> None:
        """Count events of a key.

        Raises
        ------
        ProblemError
            A 429 with ``Retry-After``: the key has sent too much before.
        StoreError
            It cannot be read who is in the state.
        """
        if self._events:
            _must_wait(self._events, key, len(events), "events")
        names = sorted({event.customer_id for event in events if event.customer_id is not None})
        if self._newcomers and names:
            try:
                newcomers = len(names) - await self._known(names)
            except StateMissing:
                newcomers = len(names)
            if newcomers:
                _must_wait(self._newcomers, key, newcomers, "new customers")


def _must_wait(limit: RateLimit, key: str, amount: int, what: str) -> None:
    wait = limit.wait(key, amount)
    if wait:
        raise ProblemError(
            429, f"too many {what} of this key", kind="quota", headers={"Retry-After": str(max(1, math.ceil(wait)))}
        )
