"""Look-ups of customers in a thread: requests that arrive during a read are answered together by the next read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from crm_online.customers.records import MOVES
from crm_online.engine.move_geometry import MoveGeometry
from crm_online.engine.owner import NAMES
from crm_online.errors import InputError, StoreUnavailable
from crm_online.live.customers.member_scan import MemberPage, MemberScan, MemberSelection
from crm_online.live.customers.prefix_scan import IdsFound, find_ids
from crm_online.live.feeds.hub import ChangeHub
from crm_online.live.part import ServicePart
from crm_online.live.threads import Threads
from crm_online.lookup import segment_labels
from crm_online.lookup.customer_batch import CustomerBatch
from crm_online.lookup.customer_json import customer_json
from crm_online.lookup.customer_reader import CustomerReader, StoredCustomers
from crm_online.lookup.explanation import KeptMove, explanation
from crm_online.lookup.objections import unknown
from crm_online.lookup.personal_data import personal_data
from crm_online.lookup.segment_labels import decode_labels, write_label
from crm_online.lookup.segment_names import SegmentNames
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.step import ChangeId
from crm_online.store import Store

_MOST: Final = 500
_NO_PREFIXES: Final = "ids are pseudonyms here, which begin with nothing of the id: look a customer up by the whole id"
_Request = tuple[Sequence[str], asyncio.Future[Mapping[str, bytes]]]


class CustomerLookups(ServicePart):
    """Looks customers up in a state, which may be empty at first, not answer for a while, or become another one.

    One thread reads. What is asked for while it does so waits, and is then read in one go: so the busier the service
    is, the less a customer costs.

    Parameters
    ----------
    store
        The state.
    changes
        The changes that are kept: they have the causes of moves.
    timed
        Called with the seconds of each reading.
    pseudonyms
        By which the ids that are asked for are stored.
    """

    def __init__(
        self,
        store: Store,
        changes: ChangeHub,
        timed: Callable[[float], None] | None = None,
        pseudonyms: Pseudonyms = NO_PSEUDONYMS,
    ) -> None:
        self._store, self._changes, self._pseudonyms = store, changes, pseudonyms
        self._threads, self._scans = Threads(1, "customers", timed), Threads(1, "members")
        self._waiting: list[_Request] = []
        self._reading: asyncio.Task[None] | None = None
        self._reader: CustomerReader | None = None
        self._stopped = False

    async def stop(self) -> None:
        """End the threads; requests that still wait get an error."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._stopped = True
        _fail(self._waiting, _stopping())
        self._waiting = []
        for threads in (self._threads, self._scans):
            await threads.stop()

    async def one(self, name: str) -> bytes:
        """Return a customer as JSON, as ``answers.customers.Customer`` has it.

        Raises
        ------
        UnknownCustomer
            If no partition has the customer; ``CustomerObjects`` if the customer objects to being profiled.
        StoreError
            If there is no state (``StateMissing``), or it cannot be read.
        """
        found = (await self.several([name])).get(name)
        if found is None:
            raise await self._scans.run(unknown, self._store, name, self._pseudonyms.every(name))
        return found

    async def several(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return those of some customers who are known, as JSON, and perhaps others.

        Raises
        ------
        StoreError
            If there is no state (``StateMissing``), it cannot be read, or the reader was stopped.
        """
        if self._stopped:
            raise _stopping()
        future: asyncio.Future[Mapping[str, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting.append((names, future))
        if self._reading is None:
            self._reading = asyncio.create_task(self._answer())
        return await future

    async def explained(self, name: str) -> dict[str, object]:
        """Return why a customer is where they are, as ``answers.customers.Explanation`` has it.

        Raises
        ------
        UnknownCustomer, StoreError
            As `one`.
        """
        customer = await self.batch([name])
        if not customer.names:
            raise await self._scans.run(unknown, self._store, name, self._pseudonyms.every(name))
        moves = [move for one in self._pseudonyms.every(name) for move in self._changes.moves_of(one, MOVES)][:MOVES]
        kept, names = await self._threads.run(self._of_moves, moves)
        return explanation(customer, names, kept)

    async def personal_data(self, name: str) -> dict[str, Any]:
        """Return all that the state holds of a customer, as ``answers.customers.PersonalData`` has it.

        Raises
        ------
        UnknownCustomer
            If it holds nothing.
        StoreError
            As `one`.
        """
        return await self._scans.run(personal_data, self._store, name, self._pseudonyms)

    async def batch(self, names: Sequence[str]) -> CustomerBatch:
        """Return those of some customers who are known, as read.

        Raises
        ------
        StoreError
            As `several`.
        """
        if self._stopped:
            raise _stopping()
        return (await self._read(names)).batch()

    async def known(self, names: Sequence[str]) -> int:
        """Count those of some customers who are in the state.

        Raises
        ------
        StoreError
            As `several`.
        """
        return len((await self.batch(names)).names)

    async def beginning_with(self, prefix: str, limit: int) -> IdsFound:
        """Return customers whose ids begin with a text, in capitals or not.

        Raises
        ------
        InputError
            If ids are pseudonyms.
        StoreError
            As `one`.
        """
        if self._pseudonyms:
            raise InputError(_NO_PREFIXES)
        return await self._scans.run(find_ids, self._store, prefix, limit)

    async def members(self, segment: str, after: str | None, limit: int) -> MemberPage:
        """Return some customers of a segment; see `crm_online.live.customers.member_scan.MemberScan.page`.

        Raises
        ------
        InputError
            If ``after`` is not the ``next`` of a page.
        StoreError
            As `one`.
        """
        return await self._scans.run(lambda: MemberScan(self._store).page(segment, after, limit))

    async def members_sorted(self, segment: str, query: MemberSelection, limit: int) -> MemberPage:
        """Return the first customers of a segment by a sort; see `MemberScan.sorted`.

        Raises
        ------
        StoreError
            As `one`.
        """
        return await self._scans.run(lambda: MemberScan(self._store).sorted(segment, query, limit))

    async def _answer(self) -> None:
        """Read until no request waits."""
        while self._waiting:
            requests = self._next_requests()
            names = list(dict.fromkeys(name for some, _ in requests for name in some))
            try:
                found = customer_json((await self._read(names)).batch())
            except asyncio.CancelledError:
                _fail(requests, _stopping())
                raise
            except Exception as error:
                _fail(requests, error)
            else:
                for _, future in requests:
                    if not future.done():
                        future.set_result(found)
        self._reading = None

    def _next_requests(self) -> list[_Request]:
        """Return the requests to answer next, of so few customers that the others need not wait long."""
        count, size = 0, 0
        for names, _ in self._waiting:
            if count and size + len(names) > _MOST:
                break
            count, size = count + 1, size + len(names)
        following, self._waiting = self._waiting[:count], self._waiting[count:]
        return following

    async def _read(self, names: Sequence[str]) -> StoredCustomers:
        """Read in the worker thread; decoding is left to the event loop's thread, or both would contend for the GIL."""
        return await self._threads.run(self._stored, names)

    def _of_moves(self, moves: Sequence[Mapping[str, Any]]) -> tuple[list[KeptMove], SegmentNames]:
        """Read what decided some moves, and the names of segments over time."""
        kept = []
        for move in moves:
            change = ChangeId.parse(move["change_id"])
            found = self._store.partition(change.partition).changes(change.previous, 1)
            same = [one for one in found if one.id == change and one.geometry]
            kept.append(KeptMove(move, MoveGeometry.decode(same[0].geometry) if same else None))
        first = self._store.partition(0)
        labels = decode_labels(dict(first.hash_all(segment_labels.NAME)))
        by_hand = {segment: label.name for segment, label in labels.items() if label.name}
        return kept, replace(SegmentNames.stored(first.list_range(NAMES, 0, -1)), by_hand=by_hand)

    async def label(self, segment: str, change: Mapping[str, str | None]) -> None:
        """Change what somebody gave a segment by hand; see `crm_online.lookup.segment_labels.write_label`.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        await self._threads.run(write_label, self._store.partition(0), segment, change)

    def _stored(self, names: Sequence[str]) -> StoredCustomers:
        if self._reader is None:
            self._reader = CustomerReader(self._store, self._pseudonyms)
        try:
            return self._reader.read(names)
        except Exception:
            # What was read before may be of a state that is gone.
            self._reader = None
            raise


def _stopping() -> StoreUnavailable:
    return StoreUnavailable("the service is being stopped")


def _fail(requests: Iterable[_Request], error: Exception) -> None:
    """Set an error in the futures of requests; those of requests that wait no more are done."""
    for _, future in requests:
        if not future.done():
            future.set_exception(error)
