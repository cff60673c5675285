"""The customers of a segment: page by page, by a scan that goes on where the last one ended; or the first by a sort."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import NEVER, Records
from crm_online.digits import digits
from crm_online.engine import segmenting, state
from crm_online.engine.engine import CUSTOMERS, layout
from crm_online.engine.state import PartitionState
from crm_online.errors import InputError
from crm_online.events.times import to_short_iso
from crm_online.lookup.partition import segment_ids
from crm_online.segments.model import Model
from crm_online.settings.conflict import from_stored
from crm_online.store import Store
from crm_online.store.reads import hash_scan, plain_value

_CURSOR: Final = re.compile(r"([0-9]{1,5})\.([0-9]{1,20})", re.ASCII)
_SCANNED: Final = 100_000
_LEAST: Final = 10
_MOST: Final = 5000


MemberSort = Literal["spend", "last_purchase", "since"]
"""What members may be sorted by."""
_SORTED: Final = 400_000


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some customers of a segment.

    Attributes
    ----------
    customers
        Each as ``answers.customers.Member`` has it.
    next
        Where the next page begins; ``None``: this was the last, or they are sorted.
    complete
        Whether all customers were looked at.
    """

    customers: list[dict[str, Any]]
    next: str | None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class MemberSelection:
    """Which members, and in which order.

    Attributes
    ----------
    sort
        What they are sorted by.
    descending
        Whether the largest, or latest, come first. Those who never bought come last.
    min_spend
        Only those who have spent so much.
    bought_since, bought_before
        Only those whose last order is not before, or before, a time, in ms.
    """

    sort: MemberSort = "spend"
    descending: bool = True
    min_spend: float | None = None
    bought_since: int | None = None
    bought_before: int | None = None

    def __call__(self, records: Records) -> NDArray[np.bool_]:
        """Return whose records match."""
        last, found = records.last_purchase, np.ones(len(records), bool)
        if self.min_spend is not None:
            found &= records.spend >= self.min_spend
        if self.bought_since is not None:
            found &= last >= self.bought_since
        if self.bought_before is not None:
            found &= (last != NEVER) & (last < self.bought_before)
        return found

    def place(self, member: Mapping[str, Any]) -> tuple[bool, float, str]:
        """Return by what a member is sorted, the smallest first."""
        value = member[self.sort]
        if value is None:
            return True, 0.0, member["customer_id"]
        number = value if self.sort == "spend" else datetime.fromisoformat(value).timestamp()
        return False, -number if self.descending else number, member["customer_id"]


class MemberScan:
    """Finds the customers of segments.

    The scan is at a partition and at Redis's cursor there. Who is in the segment all the time comes at least
    once; who moves meanwhile may come or not.

    Parameters
    ----------
    store
        The state.

    Raises
    ------
    StateMissing
        If there is no state yet.
    """

    def __init__(self, store: Store) -> None:
        meta = store.meta()
        self._store, self._partition_count = store, meta.partitions
        self._codec: RecordCodec = layout(from_stored(meta.settings))[0]

    def page(self, segment: str, after: str | None, limit: int) -> MemberPage:
        """Return customers who are reported to be in a segment.

        Parameters
        ----------
        segment
            Its id.
        after
            ``next`` of the page before.
        limit
            How many at most; a few more come where Redis keeps them in one bucket. There may be fewer, even none, on a
            page that is not the last: a page looks at no more than about a hundred thousand customers.

        Raises
        ------
        InputError
            If ``after`` is not a ``next``.
        """
        partition, cursor = self._parse(after)
        found: dict[str, dict[str, Any]] = {}
        scanned, count = 0, max(limit, _LEAST)
        while partition < self._partition_count and scanned < _SCANNED:
            following, size, here = self._scan(partition, cursor, count, segment)
            scanned += size
            if len(found) + len(here) > limit and count > 1:
                if found and count <= _LEAST:
                    break
                # It would be too many: look at fewer, from the same cursor.
                count = max(1, count // 4)
                continue
            found |= here
            partition, cursor = (partition, following) if following else (partition + 1, 0)
            if len(found) >= limit:
                break
            if len(here) * 4 < limit - len(found):
                count = min(2 * count, _MOST)
        last = partition >= self._partition_count
        return MemberPage([*found.values()], None if last else f"{partition}.{cursor}")

    def sorted(self, segment: str, query: MemberSelection, limit: int) -> MemberPage:
        """Return the first customers who are reported to be in a segment, by a sort.

        At most some hundred thousand customers are looked at.

        Parameters
        ----------
        segment
            Its id.
        query
            Which of them, and in which order.
        limit
            How many at most.
        """
        found: dict[str, dict[str, Any]] = {}
        scanned = 0
        for partition in range(self._partition_count):
            cursor = 0
            while scanned < _SORTED:
                cursor, size, here = self._scan(partition, cursor, _MOST, segment, query)
                scanned += size
                found |= here
                if not cursor:
                    break
        first = nsmallest(limit, found.values(), key=query.place)
        return MemberPage(first, None, complete=scanned < _SORTED)

    def _scan(
        self, partition: int, cursor: int, count: int, segment: str, query: MemberSelection | None = None
    ) -> tuple[int, int, dict[str, dict[str, Any]]]:
        """Return the next cursor, how many customers were looked at, and those of the segment."""
        small, model_json, ((following, pairs),) = self._store.partition(partition).together(
            plain_value(partition, state.NAME),
            plain_value(partition, segmenting.MODEL),
            hash_scan(partition, CUSTOMERS, cursor, count),
        )
        model = Model.from_json(model_json) if model_json else None
        here = PartitionState.decode(small)
        records = self._codec.decode(list(pairs.values()))
        ids = segment_ids(records, records.reported, model, here)
        matching = query(records).tolist() if query else [True] * len(pairs)
        columns = zip(
            pairs,
            ids,
            matching,
            records.since.tolist(),
            records.spend.tolist(),
            records.last_purchase.tolist(),
            strict=True,
        )
        members = {
            name.decode(): {
                "customer_id": name.decode(),
                "since": to_short_iso(since * 1000),
                "spend": digits(spend),
                "last_purchase": None if last == NEVER else to_short_iso(last),
            }
            for name, one, matches, since, spend, last in columns
            if matches and one == segment
        }
        return following, len(pairs), members

    def _parse(self, after: str | None) -> tuple[int, int]:
        if after is None:
            return 0, 0
        found = _CURSOR.fullmatch(after)
        if not found or int(found[1]) >= self._partition_count or int(found[2]) >= 1 << 64:
            raise InputError("after is not the next of a page of customers: begin again without it")
        return int(found[1]), int(found[2])
