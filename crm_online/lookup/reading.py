"""Reads customers of a state that goes on meanwhile, many at once: each partition's as of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from crm_online.customers.records import RecordCodec, Records
from crm_online.engine import peers, segmenting, state
from crm_online.engine.engine import CUSTOMERS, customer_field, layout
from crm_online.engine.peers import PartitionSums
from crm_online.engine.state import PartitionState
from crm_online.lookup.customers import Bearings, told
from crm_online.lookup.partition import segment_ids
from crm_online.segments.model import Model
from crm_online.settings.conflict import from_stored
from crm_online.store import Store
from crm_online.store.keys import META, TOKEN
from crm_online.store.meta import StateMeta
from crm_online.store.reads import hash_fields, plain_value


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Some customers, each partition's as of one commit.

    Attributes
    ----------
    names, records, segments
        The ids of those who are known, in the order asked for; their records; the segments that they are reported to
        be in.
    bearings
        What they are described against.
    elsewhere
        Further partitions that have a customer too.
    """

    names: list[str]
    records: Records
    segments: list[str | None]
    bearings: Bearings
    elsewhere: dict[str, list[int]]

    def told(self) -> list[dict[str, object]]:
        """Return them as ``crm-online customer --json`` has them."""
        values = told(self.names, self.records, self.segments, self.bearings)
        for name, partitions in self.elsewhere.items():
            values[self.names.index(name)]["also_in_partitions"] = partitions
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """Some customers as they were read, which takes the waiting; to make sense of them takes none.

    Attributes
    ----------
    names
        Who was asked for.
    found
        What each partition has of them.
    parts
        The small state and the model of each partition.
    codec, bearings
        What reads the records, and what customers are described against.
    """

    names: Sequence[str]
    found: Sequence[Sequence[bytes | None]]
    parts: Sequence[tuple[PartitionState, Model | None]]
    codec: RecordCodec
    bearings: Bearings

    def seen(self) -> Seen:
        """Return those who are known.

        Raises
        ------
        StateCorrupt, StateTooNew
            If a record cannot be read.
        """
        names = self.names
        where: dict[str, list[int]] = {}
        for number, stored in enumerate(self.found):
            for name, raw in zip(names, stored, strict=True):
                if raw is not None:
                    where.setdefault(name, []).append(number)
        known = [name for name in names if name in where]
        row_of = {name: row for row, name in enumerate(names)}
        records = self.codec.decode([self.found[where[name][0]][row_of[name]] for name in known])
        segments: list[str | None] = [None] * len(known)
        homes = np.array([where[name][0] for name in known], np.int64)
        for number, (small, model) in enumerate(self.parts):
            rows = np.flatnonzero(homes == number)
            some = records if len(rows) == len(known) else records.take(rows)
            ids = segment_ids(some, some.reported, model, small)
            for row, segment in zip(rows.tolist(), ids, strict=True):
                segments[row] = segment
        more = {name: partitions[1:] for name, partitions in where.items() if len(partitions) > 1}
        return Seen(known, records, segments, self.bearings, more)


@dataclass(slots=True)
class _Part:
    """What was read of a partition, and the bytes that it was read from: they seldom change between two readings."""

    raw: tuple[bytes | None, ...] = ()
    token: bytes | None = None
    state: PartitionState = field(default_factory=PartitionState)
    model: Model | None = None
    sums: PartitionSums | None = None

    def learn(self, small: bytes | None, model: bytes | None, sums: bytes | None) -> None:
        """Take what stands there now."""
        before = self.raw or (None, None, None)
        if small != before[0]:
            self.state = PartitionState.decode(small)
        if model != before[1]:
            self.model = Model.from_json(model) if model else None
        if sums != before[2]:
            self.sums = PartitionSums.decode(sums) if sums else None
        self.raw = small, model, sums


class Customers:
    """Reads customers of a state that goes on meanwhile; for one thread.

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
        self._store = store
        self._begin(store.meta())

    def read(self, names: Sequence[str]) -> Fetched:
        """Read customers as they stand: those of one partition all between the same two commits.

        Parameters
        ----------
        names
            Their ids, each once; at least one.

        Raises
        ------
        StoreError
            If there is no state any more (``StateMissing``), or it cannot be read.
        """
        found = self._found(names)
        here = [(part.state, part.model) for part in self._parts]
        return Fetched(names, found, here, self._codec, self._bearings())

    def _begin(self, meta: StateMeta) -> None:
        self._meta = meta
        self._codec, self._reader = layout(from_stored(meta.settings))
        self._parts = [_Part() for _ in range(meta.partitions)]

    def _found(self, names: Sequence[str]) -> list[list[bytes | None]]:
        """Read the records in each partition, and all that they are described against."""
        fields = [customer_field(name) for name in names]
        while True:
            found = [self._of_partition(number, part, fields) for number, part in enumerate(self._parts)]
            if None not in found:
                return [one for one in found if one is not None]
            meta = self._store.meta()
            if meta != self._meta:
                self._begin(meta)

    def _of_partition(self, number: int, part: _Part, fields: Sequence[bytes]) -> list[bytes | None] | None:
        """Read one partition; ``None`` if somebody took it over, since when all may be another state."""
        records, (token,), (small, model, sums) = self._store.partition(number).together(
            hash_fields(number, CUSTOMERS, fields),
            hash_fields(number, META, [TOKEN]),
            plain_value(number, state.NAME),
            plain_value(number, segmenting.MODEL),
            plain_value(number, peers.NAME),
        )
        known, part.token = part.token, token
        if known != token:
            return None
        part.learn(small, model, sums)
        return records

    def _bearings(self) -> Bearings:
        as_of = max((part.state.watermark or 0 for part in self._parts), default=0)
        sums = [part.sums for part in self._parts if part.sums]
        return Bearings.of(self._reader, as_of, self._parts[0].model, sums)
