"""Snapshots of what needs the whole state, made anew in a thread."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import Final

from crm_online.errors import StateBeingRead, StateMissing, StoreError, StoreUnavailable
from crm_online.live.part import ServicePart
from crm_online.live.snapshots.making import Derive, SnapshotMaker
from crm_online.live.snapshots.snapshot import Snapshot
from crm_online.live.threads import Threads
from crm_online.live.troubles import NO_STATE, UNREADABLE
from crm_online.settings import ServeSettings
from crm_online.store import Store

_log = logging.getLogger(__name__)
_SOON: Final = 0.2
BEING_READ: Final = "the state is being read for the first time"
HANGS: Final = "the store does not answer now"
SILENT: Final = 4.0
"""Seconds of silence after which the store counts as hanging: it is asked for a few small values."""
SWITCH: Final = 0.0005
"""Seconds after which the thread that makes snapshots gives way to the event loop if that is due: a tenth of Python's
own, since a request may have to wait several times."""


class Snapshots(ServicePart):
    """The latest snapshot of a state, which may be empty at first, not answer for a while, or become another one.

    Parameters
    ----------
    store
        The state.
    settings
        How often its version is read.
    derive
        Makes what else is to be in snapshots, see `Snapshot.derived`.
    timed
        Called with the seconds of each reading.
    """

    def __init__(
        self,
        store: Store,
        settings: ServeSettings,
        derive: Derive | None = None,
        timed: Callable[[float], None] | None = None,
    ) -> None:
        self._refresh = settings.refresh / 1000
        self._maker = SnapshotMaker(store, derive)
        self._threads = Threads(1, "snapshots", timed)
        self._task: asyncio.Task[None] | None = None
        self._current: Snapshot | None = None
        self._error: StoreError = StateBeingRead(BEING_READ)
        self._trouble: str | None = str(self._error)
        self._switch = sys.getswitchinterval()

    def needed(self) -> Snapshot:
        """Return the latest snapshot.

        Raises
        ------
        StoreError
            If there is none: no state (``StateMissing``), or it could not be read so far.
        """
        if self._current is None:
            raise self._error
        return self._current

    def trouble(self) -> str | None:
        """Return why the latest snapshot is out of date; None if it is not."""
        asked = self._maker.asked_at
        if asked is not None and time.monotonic() - asked > SILENT:
            return HANGS
        return self._trouble

    async def start(self) -> None:
        """Begin to read the state."""
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(min(SWITCH, self._switch))
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            sys.setswitchinterval(self._switch)
        await self._threads.stop()

    async def _run(self) -> None:
        while True:
            await self._make()
            # Who waits for a state to begin, or to come back, does not wait long.
            await asyncio.sleep(self._refresh if self._trouble is None else min(self._refresh, _SOON))

    async def _make(self) -> None:
        try:
            self._current = await self._threads.run(self._maker.make)
            self._trouble = None
        except StateMissing as error:
            self._maker.forget()
            self._current = None
            self._fail(error, NO_STATE)
        except StoreError as error:
            self._fail(error, UNREADABLE)
        except Exception:
            # A state that becomes another one while it is read may look like anything: read it again.
            _log.exception("a snapshot could not be made")
            self._maker.forget()
            self._fail(StoreUnavailable("the state cannot be read"), "a snapshot failed; the service's log says why")

    def _fail(self, error: StoreError, trouble: str) -> None:
        if self._trouble != trouble:
            _log.warning("no new snapshots: %s", error)
        self._error, self._trouble = error, trouble
