"""The customers of a segment, page by page, by a scan that goes on where the page before ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from crm_online.customers.records import RecordCodec
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


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Some customers of a segment.

    Attributes
    ----------
    customers
        Each as ``answers.customers.Member`` has it.
    next
        Where the next page begins; ``None``: this was the last.
    """

    customers: list[dict[str, str]]
    next: str | None


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
        found: dict[str, str] = {}
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
        members = [{"customer_id": name, "since": since} for name, since in found.items()]
        return MemberPage(members, None if last else f"{partition}.{cursor}")

    def _scan(self, partition: int, cursor: int, count: int, segment: str) -> tuple[int, int, dict[str, str]]:
        """Return the next cursor, how many customers were looked at, and since when those in the segment are."""
        small, model_json, ((following, pairs),) = self._store.partition(partition).together(
            plain_value(partition, state.NAME),
            plain_value(partition, segmenting.MODEL),
            hash_scan(partition, CUSTOMERS, cursor, count),
        )
        model = Model.from_json(model_json) if model_json else None
        here = PartitionState.decode(small)
        records = self._codec.decode(list(pairs.values()))
        ids = segment_ids(records, records.reported, model, here)
        rows = zip(pairs, ids, records.since.tolist(), strict=True)
        return (
            following,
            len(pairs),
            {name.decode(): to_short_iso(since * 1000) for name, one, since in rows if one == segment},
        )

    def _parse(self, after: str | None) -> tuple[int, int]:
        if after is None:
            return 0, 0
        found = _CURSOR.fullmatch(after)
        if not found or int(found[1]) >= self._partition_count or int(found[2]) >= 1 << 64:
            raise InputError("after is not the next of a page of customers: begin again without it")
        return int(found[1]), int(found[2])
