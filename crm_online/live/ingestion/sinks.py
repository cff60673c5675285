"""Where events go that are sent to the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from crm_online.answers.service import EventReceipt
from crm_online.events.models import Event


class EventSink(Protocol):
    """Accepts events: all of a call, or none."""

    async def start(self) -> None:
        """Begin what goes on in the background."""

    async def stop(self) -> None:
        """Finish what is under way, and release threads and connections."""

    def trouble(self) -> str | None:
        """Return in one line why the service is not ready; None if it is."""

    async def accept(self, events: Sequence[Event], producer: str) -> EventReceipt:
        """Accept the events of a producer; when this returns, they are on disk.

        Raises
        ------
        TooFarAhead
            If the times of some are too far ahead of the clock; none was accepted.
        EventsRefused
            If events are not accepted here, or not now; none was.
        StoreError, FenceError, BrokerError
            If they were not accepted, or it is not known whether: send them again, with their ids.
        """
        ...
