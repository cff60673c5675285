"""Sends the changes of a state to all its webhooks, as long as no other process does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crm_online.answers.webhooks import DeadLetter, ResendReceipt, WebhookStatus
from crm_online.errors import StoreError
from crm_online.live.feeds import cursors
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.events import BLANK, feed_event
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.part import ServicePart
from crm_online.live.threads import Threads
from crm_online.live.webhooks import stored
from crm_online.live.webhooks.ledger import Counted, WebhookLedger
from crm_online.live.webhooks.signing import secrets_of
from crm_online.settings import WebhookSettings
from crm_online.step import ChangeId
from crm_online.store import Store

_log = logging.getLogger(__name__)
_SPARE: Final = 5.0


if TYPE_CHECKING:
    from crm_online.live.webhooks.queue import DeliveryQueue
    from crm_online.live.webhooks.receiver import Receiver


@dataclass(slots=True)
class _OpenWebhook:
    receiver: Receiver
    ledger: WebhookLedger
    queue: DeliveryQueue


class WebhookSender(ServicePart):
    """Sends changes to webhooks.

    Parameters
    ----------
    store
        The state; it may be empty at first.
    hub
        Its changes.
    webhooks
        The settings of each webhook, by name.
    counted
        What counts deliveries.
    waiting
        Called with a webhook and how many of its changes are under way, each time that is written.
    every
        Seconds between two writes of how far it is.

    Raises
    ------
    InputError
        If the file of a secret cannot be used.
    """

    def __init__(
        self,
        store: Store,
        hub: ChangeHub,
        webhooks: Mapping[str, WebhookSettings],
        counted: Counted = lambda *_: None,
        waiting: Callable[[str, int], None] = lambda *_: None,
        every: float = 1.0,
    ) -> None:
        self._store, self._hub, self._counted, self._waiting, self._every = store, hub, counted, waiting, every
        self._webhooks = dict(webhooks)
        self._secrets = {name: secrets_of(name, one) for name, one in webhooks.items()}
        self._longest = max((one.timeout / 1000 for one in webhooks.values()), default=0.0)
        self._lease = store.lease(stored.LEASE, 2 * self._longest + _SPARE)
        self._threads = Threads(1, "webhooks")
        self._open: dict[str, _OpenWebhook] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send, if there are webhooks."""
        if self._webhooks:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send no more, and write how far it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._threads.stop()

    async def statuses(self) -> list[WebhookStatus]:
        """Return how far the webhooks are; raises ``StoreError`` as reads do."""
        return await self._threads.run(stored.statuses, self._store, self._webhooks.items())

    async def letters(self, name: str, most: int) -> list[DeadLetter] | None:
        """Return the oldest dead letters of a webhook; None: there is no such webhook."""
        if name not in self._webhooks:
            return None
        return (await self._threads.run(stored.read_letters, self._store.partition(0), name))[:most]

    async def request_again(self, name: str, change_ids: list[str]) -> ResendReceipt | None:
        """Ask for dead letters to be sent again; None: there is no such webhook. See `stored.request_again`."""
        if name not in self._webhooks:
            return None
        asked = await self._threads.run(stored.request_again, self._store.partition(0), name, change_ids)
        return ResendReceipt(requested=asked)

    async def _run(self) -> None:
        while True:
            try:
                begin = await self._first_cursor()
                if await self._threads.run(self._lease.hold):
                    await self._send(begin)
            except StoreError as error:
                _log.warning("webhooks wait for the store: %s", error)
            except Exception:
                _log.exception("the webhooks have failed, and begin again")
            await asyncio.sleep(self._every)

    async def _first_cursor(self) -> Cursor:
        """Wait until the changes are read, and return where a webhook begins that has no cursor yet."""
        shared, was_empty = self._hub.shared, False
        while shared.empty or not shared.caught_up:
            was_empty = was_empty or shared.empty
            await asyncio.sleep(shared.times.poll)
        return {at: ChangeId(at, 0, 0) if was_empty else last for at, last in shared.ring.last.items()}

    async def _send(self, begin: Cursor) -> None:
        """Send as long as the lease is held."""
        tasks: list[asyncio.Task[None]] = []
        try:
            for name in self._webhooks:
                self._open[name] = await self._opened(name, begin)
            tasks = [asyncio.create_task(one.queue.run()) for one in self._open.values()]
            while await self._write():
                await self._take_requests()
                done, _ = await asyncio.wait(tasks, timeout=self._every, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if done:
                    return  # the state has other partitions
            _log.info("the lease is lost: another process may send to the webhooks now")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()

    async def _opened(self, name: str, begin: Cursor) -> _OpenWebhook:
        # With the client of HTTP, which a service without webhooks does without.
        from crm_online.live.webhooks.queue import DeliveryQueue
        from crm_online.live.webhooks.receiver import Receiver

        first = self._store.partition(0)
        progress = await self._threads.run(stored.read_progress, first, name)
        letters = [one.change_id for one in await self._threads.run(stored.read_letters, first, name)]
        cursor = cursors.parse(progress.cursor) if progress else begin
        # Where the state has other partitions than the cursor, all that is kept is new.
        cursor = {at: cursor.get(at, ChangeId(at, 0, 0)) for at in self._hub.shared.ring.last}
        settings, ledger = self._webhooks[name], WebhookLedger(name, progress, letters, self._counted)
        receiver = Receiver(settings, self._secrets[name])
        queue = DeliveryQueue(settings, self._hub.shared, cursor, receiver, ledger, self._may_send)
        return _OpenWebhook(receiver, ledger, queue)

    async def _may_send(self) -> None:
        """Wait until the lease lasts longer than an attempt may take: another process may send after it."""
        while not self._lease.lasts(self._longest + 1):
            await asyncio.sleep(self._every)

    async def _write(self) -> bool:
        """Renew the lease, and write each webhook's position and dead letters; False if the lease is lost."""
        pending = {name: one.ledger.pending(one.queue.cursor) for name, one in self._open.items()}
        for name, one in self._open.items():
            self._waiting(name, one.queue.waiting)
        try:
            if not await self._threads.run(self._lease.keep, [write for some in pending.values() for write in some]):
                return False
        except StoreError as error:
            _log.warning("it cannot be written now how far the webhooks are: %s", error)
            return True  # nothing is sent once the lease has expired
        for name, writes in pending.items():
            self._open[name].ledger.confirm(len(writes))
        return True

    async def _take_requests(self) -> None:
        """Send the dead letters again that somebody has asked for."""
        try:
            requests = await self._threads.run(stored.read_requests, self._store.partition(0))
            for name, one in self._open.items():
                for change in one.queue.to_send_again(change for webhook, change in requests if webhook == name):
                    await self._send_again(one, change)
        except StoreError as error:
            _log.warning("it cannot be read which dead letters are to be sent again: %s", error)

    async def _send_again(self, one: _OpenWebhook, change: ChangeId) -> None:
        """Read a change that is a dead letter, and enqueue it."""
        with one.queue.reading():
            entries = await self._threads.run(self._store.partition(change.partition).changes, change.previous, 1)
            kept = [event for event in map(feed_event, entries) if event.id == change and event.kind != BLANK]
            if kept:
                one.queue.send_again(kept[0])
            else:
                one.ledger.remove_letter(str(change))

    async def _close(self) -> None:
        """Write how far it is, and let another process send."""
        try:
            if self._lease.lasts(0) and await self._write():
                await self._threads.run(self._lease.release)
        except StoreError as error:
            _log.warning("the webhooks could not be released: %s", error)
        for one in self._open.values():
            await one.receiver.close()
        self._open = {}
