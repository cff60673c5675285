"""The sink that fits a state: what feeds it decides where events go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Final

from crm_online.answers.service import EventReceipt
from crm_online.errors import EventsRefused, SettingsConflict, StateMissing
from crm_online.events.models import Event
from crm_online.live.ingestion.engine_sink import EngineSink
from crm_online.live.ingestion.event_log import EventLog
from crm_online.live.ingestion.sinks import EventSink
from crm_online.live.part import ServicePart
from crm_online.settings import Settings
from crm_online.settings.conflict import has_pseudonyms, refuse_pseudonyms
from crm_online.store import Store
from crm_online.store.meta import LOGS

_KAFKA: Final = "kafka:"
_NO_FEED: Final = "nothing feeds this state yet: start a worker, or replay a log into it, and events can be sent"


class StateSink(ServicePart):
    """Gives events to the engine where logs feed the state, to Kafka where workers do.

    Which of both is known when the first events come: until then the state may be empty.

    Parameters
    ----------
    store
        The state.
    settings
        The settings in force; they shape a state that is begun here.
    kafka
        Makes the sink of an events topic.
    begins
        Whether events may begin an empty state: where it is this service's own. On a Redis for several, whoever comes
        first decides what feeds it, and workers would be locked out.
    timed
        Called with the seconds of each commit of events.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        kafka: Callable[[str], EventSink],
        *,
        begins: bool,
        timed: Callable[[float], None] | None = None,
    ) -> None:
        self._store, self._settings, self._kafka, self._begins, self._timed = store, settings, kafka, begins, timed
        self._sink: EventSink | None = None
        self._opening: asyncio.Task[EventSink] | None = None
        self._suspended: str | None = None

    def suspend(self, why: str) -> None:
        """Refuse events until `resume`: something else feeds the state."""
        self._suspended = why

    def resume(self) -> None:
        """Accept events again."""
        self._suspended = None

    async def start(self) -> None:
        """Nothing is begun before events come."""

    async def stop(self) -> None:
        """Stop the sink in use."""
        self.suspend("the service is being stopped")
        if self._opening is not None:
            await asyncio.wait([self._opening])
        if self._sink is not None:
            await self._sink.stop()

    def trouble(self) -> str | None:
        """Return why the sink in use is not ready; None if it is."""
        return self._sink.trouble() if self._sink is not None else None

    async def accept(self, events: Sequence[Event], producer: str) -> EventReceipt:
        """Accept events; see :class:`~crm_online.live.ingestion.sinks.EventSink`."""
        if self._suspended is not None:
            raise EventsRefused(self._suspended)
        sink = self._sink or await self._opened()
        return await sink.accept(events, producer)

    async def _opened(self) -> EventSink:
        """Open the sink that fits, once for all who wait for it: if that fails, it fails for all of them."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        finally:
            if opening.done() and self._opening is opening:
                self._opening = None

    async def _open(self) -> EventSink:
        sink = await asyncio.to_thread(self._chosen)
        await sink.start()
        self._sink = sink
        return sink

    def _chosen(self) -> EventSink:
        feed = self._feed()
        try:
            keys = self._settings.privacy.secret_file is not None
            refuse_pseudonyms(has_pseudonyms(self._store.meta().settings), keys)
        except SettingsConflict as error:
            raise EventsRefused(str(error)) from error
        if feed == LOGS:
            return EngineSink(EventLog(self._store, self._settings), self._settings.replay.step, self._timed)
        if not feed.startswith(_KAFKA):
            raise EventsRefused(f"the state is fed by {feed}, which this version does not know")
        return self._kafka(feed.removeprefix(_KAFKA))

    def _feed(self) -> str:
        if self._begins:
            shaping = json.dumps(self._settings.shaping(), sort_keys=True)
            try:
                return self._store.meta().feed
            except StateMissing:
                return self._store.initialise(self._settings.replay.partitions, shaping).feed
        try:
            return self._store.meta().feed
        except StateMissing:
            raise EventsRefused(_NO_FEED) from None
