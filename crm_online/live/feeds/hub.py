"""The changes as they come: Redis is polled once for all subscriptions, however many are connected."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from typing import Any, Final

from crm_online.answers.changes import Digest, Moves, RuleChanges
from crm_online.answers.drift import Drifts
from crm_online.answers.segments import SegmentFlows
from crm_online.answers.service import Rejects
from crm_online.engine.state import NAME, PartitionState
from crm_online.errors import StateBeingRead, StateMissing, StoreError
from crm_online.live.feeds.changes_since import ChangesSince, Trimmed, changes_since
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.digest import digest
from crm_online.live.feeds.events import ChangeFilter
from crm_online.live.feeds.moves import MoveFilter, moves
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.poller import ChangePoller, NewChanges
from crm_online.live.feeds.ring import Ring
from crm_online.live.feeds.rule_changes import rule_changes
from crm_online.live.feeds.shared import FeedTimes, SharedChanges
from crm_online.live.feeds.subscription import Subscription
from crm_online.live.feeds.tally import Tally
from crm_online.live.part import ServicePart
from crm_online.live.threads import Threads
from crm_online.live.troubles import NO_STATE, UNREADABLE
from crm_online.lookup.drifts import kept_drifts
from crm_online.lookup.shop_history import ShopHistory
from crm_online.step import KINDS, ChangeId
from crm_online.store import Store, reads
from crm_online.values.drift import Drift
from crm_online.values.value import TOLERANT

_log = logging.getLogger(__name__)
_SLOWEST: Final = 1.0
_BEING_READ: Final = "the changes that are kept are being read"


class ChangeHub(ServicePart):
    """The changes of a state, read once for all subscriptions.

    Parameters
    ----------
    store
        The state; it may be empty at first.
    times
        How often it polls, and how long subscriptions wait.
    most_bytes
        How much memory the ring may take.

    Attributes
    ----------
    shared
        The changes as far as they are read: what subscriptions send.
    """

    def __init__(self, store: Store, times: FeedTimes | None = None, most_bytes: int = 64_000_000) -> None:
        self.shared = SharedChanges(Ring(most_bytes), self._read, times or FeedTimes())
        self._store, self._poller, self._tally = store, ChangePoller(store), Tally()
        self._subscriptions: set[Subscription] = set()
        self._trouble: str | None = "the changes have not been read yet"
        self._poll_threads, self._read_threads = Threads(1, "changes"), Threads(2, "changes-since")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to poll."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tick())]

    async def stop(self) -> None:
        """End all subscriptions, and poll no more."""
        self.end_subscriptions()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for threads in (self._poll_threads, self._read_threads):
            await threads.stop()

    def trouble(self) -> str | None:
        """Return why changes are not sent now; None if they are."""
        if any(task.done() for task in self._tasks):
            return "the feed of changes has failed; the service's log says why"
        return self._trouble or (None if self.shared.caught_up else _BEING_READ)

    def end_subscriptions(self) -> None:
        """End all subscriptions, also those to come: the service is about to stop."""
        self.shared.ended = True
        for subscription in list(self._subscriptions):
            subscription.close()

    def subscribe(self, matching: ChangeFilter, after: Cursor | None = None) -> Subscription:
        """Open a subscription.

        Parameters
        ----------
        matching
            Which changes.
        after
            The cursor from which it resumes; None: it starts after the last change.
        """
        subscription = Subscription(self.shared, matching, after)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Close a subscription whose reader has disconnected, and forget it."""
        subscription.close()
        self._subscriptions.discard(subscription)

    def flows(self, since: str | None = None, reasons: Collection[str] = ()) -> SegmentFlows:
        """Return who moved from where to where, in the changes that are kept; see `Tally.flows`.

        Raises
        ------
        StoreError
            If they have not been read yet.
        """
        self._must_have_read()
        return self._tally.flows(since, reasons)

    def digest(self, history: ShopHistory, period: Period) -> Digest:
        """Return what changed in a period; see `crm_online.live.feeds.digest.digest`.

        Raises
        ------
        StoreError
            If the changes have not been read yet.
        """
        self._must_have_read()
        return digest(self._tally, history, period)

    def moves(self, history: ShopHistory, period: Period, matching: MoveFilter, limit: int) -> Moves:
        """Return who moved in a period; see `crm_online.live.feeds.moves.moves`.

        Raises
        ------
        StoreError
            If the changes have not been read yet.
        """
        self._must_have_read()
        return moves(self._tally, history, period, matching, limit)

    def rule_changes(self, period: Period, change: str | None, limit: int) -> RuleChanges:
        """Return how rules changed in a period; see `crm_online.live.feeds.rule_changes.rule_changes`.

        Raises
        ------
        StoreError
            If the changes have not been read yet.
        """
        self._must_have_read()
        return rule_changes(self._tally, period, change, limit)

    def moves_of(self, customer: str, most: int) -> list[Mapping[str, Any]]:
        """Return the changes that are a customer's last moves, as far as the ring holds them, the newest first."""
        return [json.loads(data) for data in self.shared.ring.moves_of(customer, most)]

    async def rejects(self, most: int) -> Rejects:
        """Return the last rejects, at most ``most``.

        Raises
        ------
        StoreError
            If they cannot be read, or have not been yet.
        """
        self._must_have_read()
        rejected = await self._read_threads.run(self._rejected)
        return self._tally.rejects(rejected, most)

    async def drifts(self, most: int) -> Drifts:
        """Return the last drifts, at most ``most``, the newest first.

        Raises
        ------
        StoreError
            If they cannot be read.
        """
        self._must_have_read()
        found = await self._read_threads.run(kept_drifts, self._store, most)
        return Drifts(drifts=[Drift.model_validate(one, context=TOLERANT) for one in found])

    def _rejected(self) -> int:
        """Read how many records were rejected in all."""
        partitions = range(len(self.shared.ring.last))
        values = self._store.read_many([reads.plain_value(number, NAME) for number in partitions])
        return sum(PartitionState.decode(value).rejected for value in values)

    async def _read(self, last: ChangeId, most: int, known: Trimmed) -> ChangesSince:
        partition = self._store.partition(last.partition)
        return await self._read_threads.run(changes_since, partition, last, most, b"", known)

    def _must_have_read(self) -> None:
        if self.shared.empty:
            raise StateMissing("there is no state yet")
        if not self.shared.caught_up:
            raise StateBeingRead(_BEING_READ)

    async def _run(self) -> None:
        pause = poll = self.shared.times.poll
        while True:
            try:
                new = await self._poll_threads.run(self._poller.poll)
            except StateMissing:
                self._trouble, pause = NO_STATE, poll
                if not self.shared.empty:
                    self.shared.empty = True
                    self._notify()
            except StoreError as error:
                if self._trouble != UNREADABLE:
                    _log.warning("changes cannot be read: %s", error)
                self._trouble, pause = UNREADABLE, min(2 * pause, max(_SLOWEST, poll))
            except Exception:
                _log.exception("the feed of changes has failed")
                raise
            else:
                self._add(new)
                pause = 0.0 if new.more else poll
            await asyncio.sleep(pause)

    async def _tick(self) -> None:
        """Wake all subscriptions often enough for keep-alive comments and their longest time."""
        while True:
            await asyncio.sleep(min(self.shared.times.keep_alive, self.shared.times.longest) / 3)
            self._wake()

    def _add(self, new: NewChanges) -> None:
        """Add what a poll found, and wake all subscriptions if there is anything for them."""
        shared, wake = self.shared, self._trouble is not None
        if new.start is not None:
            for subscription in list(self._subscriptions) if shared.ring.last else ():
                subscription.close()  # its cursor is in a state that had other partitions
            self._tally, shared.caught_up = Tally(), False
            shared.ring.start(new.start, new.complete)
        for partition, found in new.found.items():
            self._add_changes(partition, found)
            self._tally.keep(partition, {KINDS[topic]: length for topic, length in found.lengths.items()})
            wake = wake or bool(found.events or found.gap)
        shared.empty, self._trouble = False, None
        if not (shared.caught_up or new.more):
            shared.caught_up = wake = True
        if wake:
            self._notify()

    def _add_changes(self, partition: int, found: ChangesSince) -> None:
        """Add the changes of a partition to the ring and the counts."""
        ring = self.shared.ring
        if found.gap:
            gap = found.gap_event(ring.last[partition])
            if found.gap == "rewound":
                ring.rewind(gap, found.valid_upto)
                self._tally.keep(partition, {})
            else:
                ring.add([gap])
        ring.add(found.events)
        for event in found.events:
            self._tally.add(event)
        erasures = [event for event in found.events if event.is_erasure]
        for erasure in erasures:
            for forget in list(self.shared.on_erasure):
                forget(erasure)
        erased = {event.key: event.id for event in erasures}
        if erased:
            ring.forget(set(erased))
            self._tally.forget(erased)

    def _notify(self) -> None:
        """Let all subscriptions look for something to send."""
        self.shared.version += 1
        self._wake()

    def _wake(self) -> None:
        for subscription in self._subscriptions:
            subscription.wake()
