"""The deliveries of one webhook: read on from its cursor, in order for each customer, tried again until settled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final, TypeAlias

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from crm_online.answers.webhooks import DeadLetter
from crm_online.errors import DeliveryFailed, StoreError
from crm_online.live.feeds.changes_since import Trimmed
from crm_online.live.feeds.cursors import Cursor
from crm_online.live.feeds.events import GAP, OF_CUSTOMERS, REJECT, ChangeFilter, FeedEvent
from crm_online.live.feeds.shared import SharedChanges
from crm_online.live.webhooks.ledger import WebhookLedger
from crm_online.live.webhooks.receiver import Receiver
from crm_online.live.webhooks.unsettled import UnsettledChanges
from crm_online.settings import WebhookSettings
from crm_online.step import ChangeId
from crm_online.store.entries import RejectSearch

Lane: TypeAlias = tuple[str, str | int]
"""What deliveries are in order for: a customer; another kind of change and its key; the gaps of a partition."""

_CUSTOMER: Final = "customer"
_WINDOW: Final = 1000
"""Changes that may be under way, so that one receiver that takes nothing costs so much memory only."""
_READ: Final = 200
_REFUSALS: Final = 5
"""Attempts after which a change is given up that the receiver says it will not take."""
_SELDOM: Final = 60.0
"""Seconds between two log lines of a receiver that takes nothing."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Delivery:
    """A change to be posted; without ``unsettled`` it is a dead letter that is sent again."""

    event: FeedEvent
    unsettled: UnsettledChanges | None = None
    dropped: bool = False
    attempts: int = 0

    @property
    def message_id(self) -> str:
        return f"gap-{self.event.value['upto']}" if self.event.kind == GAP else str(self.event.id)

    @property
    def body(self) -> bytes:
        return b'{"type":"%s","data":%s}' % (self.event.kind.encode(), self.event.data)


class DeliveryQueue:
    """The deliveries of one webhook.

    Parameters
    ----------
    settings
        Which changes, and how often it is tried.
    shared
        The changes as far as they are read.
    cursor
        Where it goes on.
    receiver
        Where it posts to.
    ledger
        Where it notes what came of deliveries.
    may_send
        Waits until this process may send.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        shared: SharedChanges,
        cursor: Cursor,
        receiver: Receiver,
        ledger: WebhookLedger,
        may_send: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings, self._shared = settings, shared
        self._receiver, self._ledger, self._may_send = receiver, ledger, may_send
        self._filter = ChangeFilter(
            frozenset(settings.kinds),
            frozenset(settings.segments),
            frozenset(settings.items),
            frozenset(settings.reasons),
        )
        self._unsettled = {partition: UnsettledChanges(last) for partition, last in cursor.items()}
        self._rewinds_from = shared.ring.end
        self._logged = -_SELDOM
        self._again: set[ChangeId] = set()
        self._trimmed: dict[int, Trimmed] = {}
        self._lanes: dict[Lane, deque[_Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(settings.connections)
        self._progress = asyncio.Event()
        self._failure: BaseException | None = None
        self._wait = wait_random_exponential(multiplier=1, max=settings.longest_pause / 1000)

    @property
    def cursor(self) -> dict[int, ChangeId]:
        """The changes up to which all are settled."""
        return {partition: one.cursor for partition, one in self._unsettled.items()}

    @property
    def waiting(self) -> int:
        """How many changes are under way."""
        return sum(map(len, self._unsettled.values()))

    def to_send_again(self, requests: Iterable[ChangeId]) -> list[ChangeId]:
        """Return which requested dead letters can be enqueued now within the limit of deliveries under way."""
        answered, most = self._ledger.answered_requests, max(_WINDOW - self.waiting - len(self._again), 0)
        fresh = (one for one in requests if one not in self._again and str(one) not in answered)
        return list(islice(fresh, most))

    async def run(self) -> None:
        """Read and deliver until it is cancelled, or the state has other partitions; raises what a delivery does."""
        # Read by the hub also while so many changes are under way that nothing is read here.
        self._shared.on_erasure.append(self._forget)
        try:
            while self._shared.empty or self._shared.ring.last.keys() == self._unsettled.keys():
                self._progress.clear()
                if self._failure is not None:
                    raise self._failure
                if self.waiting >= _WINDOW:
                    await self._progress.wait()
                elif not await self._read():
                    await asyncio.sleep(self._shared.times.poll)
        finally:
            self._shared.on_erasure.remove(self._forget)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def send_again(self, event: FeedEvent) -> None:
        """Deliver a dead letter."""
        if event.id not in self._again:
            self._again.add(event.id)
            self._enqueue(_Delivery(event))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read and enqueue changes within this context, so that an erasure after the read applies to them too."""
        erasures = list[FeedEvent]()
        keep = erasures.append
        self._shared.on_erasure.append(keep)
        try:
            yield
            for erasure in erasures:
                self._forget(erasure)
        finally:
            self._shared.on_erasure.remove(keep)

    async def _read(self) -> bool:
        """Read what is new; return whether anything was."""
        self._undo_rewound()
        found = False
        for partition, latest in list(self._shared.ring.last.items()):
            unsettled = self._unsettled[partition]
            if latest == unsettled.read:
                continue
            with self.reading():
                try:
                    since = await self._shared.read(unsettled.read, _READ, self._trimmed.get(partition, {}))
                except StoreError:
                    return False  # the hub has logged it
                if since.gap == "rewound" and unsettled.read <= latest:
                    continue  # the hub finds it with its next poll
                if since.gap:
                    self._skip(since.gap_event(unsettled.read), since.gap == "rewound", since.valid_upto)
                self._trimmed[partition] = since.trimmed
                for event in since.events:
                    self._take(event)
                found = found or bool(since.events or since.gap)
        return found

    def _undo_rewound(self) -> None:
        """Drop what is under way of a state that was put back in time, and send a gap, as feeds do."""
        for rewind in self._shared.ring.rewinds:
            unsettled = self._unsettled[rewind.gap.partition]
            undone = rewind.valid_upto is None or unsettled.read > rewind.valid_upto
            if rewind.number >= self._rewinds_from and undone:
                self._skip(rewind.gap, True, rewind.valid_upto)
        self._rewinds_from = self._shared.ring.end

    def _skip(self, gap: FeedEvent, rewound: bool, valid_upto: ChangeId | None) -> None:
        """Send a gap; if the state was restored to an earlier time, drop the undone changes from the queue."""
        if rewound:
            for waiting in self._lanes.values():
                for delivery in waiting:
                    change = delivery.event.id
                    undone = change.partition == gap.partition and (valid_upto is None or change > valid_upto)
                    delivery.dropped = delivery.dropped or undone
            # Another change may have the id of one that is undone and still under way.
            self._unsettled[gap.partition] = UnsettledChanges(self._unsettled[gap.partition].cursor)
        self._take(gap)

    def _take(self, event: FeedEvent) -> None:
        """Enqueue a change that was read, if it matches."""
        unsettled = self._unsettled[event.partition]
        if event.is_erasure:
            self._forget(event)
        if not self._filter.matches(event):
            unsettled.skip(event.id)
            return
        if event.id == unsettled.read:  # a gap in which some changes are kept: the last one may be under way still
            unsettled = UnsettledChanges(event.id)
        unsettled.add(event.id)
        self._enqueue(_Delivery(event, unsettled))

    def _enqueue(self, delivery: _Delivery) -> None:
        event = delivery.event
        lane: Lane = (event.kind, event.key or event.partition)
        if event.kind in OF_CUSTOMERS:
            lane = _CUSTOMER, event.key
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(delivery)
            return
        self._lanes[lane] = deque([delivery])
        task = asyncio.create_task(self._deliver_in_order(lane))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self._progress.set()

    async def _deliver_in_order(self, lane: Lane) -> None:
        waiting = self._lanes[lane]
        while waiting:
            delivery = waiting[0]
            try:
                await self._deliver(delivery)
            except DeliveryFailed as error:
                self._make_dead_letter(delivery, error)
            except Exception as error:
                # Settled it would be lost, and left alone its lane would stand still: `run` ends, and all begins again.
                self._ledger.fail(f"the delivery of change {delivery.event.id} has failed: {error!r}")
                raise
            waiting.popleft()
            self._settle(delivery)
        del self._lanes[lane]

    async def _deliver(self, delivery: _Delivery) -> None:
        """Post a change until the receiver takes it.

        Raises
        ------
        DeliveryFailed
            The last reason why it did not, once it is given up.
        """
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(DeliveryFailed), stop=self._is_last, wait=self._pause, reraise=True
        ):
            with attempt:
                async with self._slots:
                    await self._may_send()
                    if delivery.dropped:
                        return
                    delivery.attempts += 1
                    try:
                        await self._receiver.post(delivery.message_id, delivery.body)
                    except DeliveryFailed as error:
                        self._failed(error)
                        raise
        self._ledger.deliver(str(delivery.event.id), again=delivery.unsettled is None)

    def _failed(self, error: DeliveryFailed) -> None:
        if time.monotonic() - self._logged > _SELDOM:
            self._logged = time.monotonic()
            _log.warning("the webhook at %s takes no delivery: %s", self._settings.receiver, error)
        self._ledger.fail(str(error))

    def _is_last(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, DeliveryFailed) and error.refused and state.attempt_number >= _REFUSALS:
            return True
        return (state.seconds_since_start or 0.0) >= self._settings.retry_for / 1000

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wished = error.retry_after if isinstance(error, DeliveryFailed) else 0.0
        return max(min(wished, self._settings.longest_pause / 1000), self._wait(state))

    def _make_dead_letter(self, delivery: _Delivery, error: DeliveryFailed) -> None:
        event = delivery.event
        _log.warning("change %s for the webhook at %s is a dead letter: %s", event.id, self._settings.receiver, error)
        if event.kind == GAP:
            return  # there is nothing to send again
        self._ledger.add_letter(
            DeadLetter(
                change_id=str(event.id),
                kind=event.kind,
                attempts=delivery.attempts,
                failed_at=datetime.fromtimestamp(int(time.time()), UTC),
                error=str(error),
            )
        )

    def _settle(self, delivery: _Delivery) -> None:
        if delivery.unsettled is None:
            self._again.discard(delivery.event.id)
            self._ledger.answer_request(str(delivery.event.id))
        else:
            delivery.unsettled.settle(delivery.event.id)
        self._progress.set()

    def _forget(self, erasure: FeedEvent) -> None:
        """Send no more of what waits of an erased customer, and of rejects that name them."""
        for delivery in self._lanes.get((_CUSTOMER, erasure.key), ()):
            delivery.dropped = delivery.dropped or (delivery.event.id < erasure.id and not delivery.event.is_erasure)
        search = RejectSearch({erasure.key})
        rejects: Mapping[Lane, deque[_Delivery]] = self._lanes if REJECT in self._settings.kinds else {}
        for (kind, _), waiting in rejects.items():
            for delivery in waiting if kind == REJECT else ():
                later = delivery.event.partition == erasure.partition and delivery.event.id > erasure.id
                delivery.dropped = delivery.dropped or (not later and search.matches(delivery.event.data))
