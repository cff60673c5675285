"""Where events go that are sent to the service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from crm_online.answers.service import EventReceipt
from crm_online.events.models import Event


class EventSink(Protocol):
    """Takes events: all that are given at once, or none."""

    async def start(self) -> None:
        """Begin what goes on in the background."""

    async def stop(self) -> None:
        """Finish what is under way, and let go of threads and connections."""

    def trouble(self) -> str | None:
        """Say in one line why the service should not be asked now; None if it can be."""

    async def take(self, events: Sequence[Event]) -> EventReceipt:
        """Take events; when this returns, they are on disk.

        Raises
        ------
        TooFarAhead
            If the times of some are not to be believed; none was accepted.
        EventsRefused
            If events are not accepted here, or not now; none was.
        StoreError, FenceError, BrokerError
            If they were not accepted, or it is not known whether: send them again, with their ids.
        """
        ...
