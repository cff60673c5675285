"""The one reader of customers by their ids, of a state that may go on meanwhile: each partition's as of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from crm_online.customers.codec import RecordCodec
from crm_online.engine import peers, segmenting, state
from crm_online.engine.engine import CUSTOMERS, customer_field, layout
from crm_online.engine.peers import MODEL_PARTITION, PartitionFigures
from crm_online.engine.state import PartitionState
from crm_online.lookup.customer_batch import CustomerBatch, ScoringContext
from crm_online.lookup.partition import segment_ids
from crm_online.lookup.predictions import StatePredictor
from crm_online.predictions import keys
from crm_online.privacy.pseudonyms import NO_PSEUDONYMS, Pseudonyms
from crm_online.segments.model import Model
from crm_online.settings.conflict import from_stored
from crm_online.store import Store
from crm_online.store.keys import META, TOKEN
from crm_online.store.meta import StateMeta
from crm_online.store.reads import hash_fields, plain_value


@dataclass(frozen=True, slots=True, eq=False)
class StoredCustomers:
    """The bytes of some customers: to read them is waiting, to decode them is computing.

    Attributes
    ----------
    names
        The ids that were asked for.
    found
        The stored record of each, by partition; None where it has none.
    parts
        The small state and the model of each partition.
    codec, context
        What decodes the records, and what features and distances are computed with.
    """

    names: Sequence[str]
    found: Sequence[Sequence[bytes | None]]
    parts: Sequence[tuple[PartitionState, Model | None]]
    codec: RecordCodec
    context: ScoringContext

    def batch(self) -> CustomerBatch:
        """Return those who are known.

        Raises
        ------
        StateCorrupt, StateTooNew
            If a record cannot be read.
        """
        partitions = [
            [number for number, raw in enumerate(stored) if raw is not None] for stored in zip(*self.found, strict=True)
        ]
        rows = [row for row, here in enumerate(partitions) if here]
        homes = np.array([partitions[row][0] for row in rows], np.int64)
        records = self.codec.decode([self.found[partitions[row][0]][row] for row in rows])
        segments: list[str | None] = [None] * len(rows)
        for number, (small, model) in enumerate(self.parts):
            here = np.flatnonzero(homes == number)
            some = records if len(here) == len(rows) else records.take(here)
            ids = segment_ids(some, some.reported, model, small)
            for row, segment in zip(here.tolist(), ids, strict=True):
                segments[row] = segment
        names, known = [self.names[row] for row in rows], [partitions[row] for row in rows]
        return CustomerBatch(names, records, segments, known, self.context)


@dataclass(slots=True)
class _Part:
    """What was read of a partition, and the bytes that it was read from: they seldom change between two readings."""

    raw: tuple[bytes | None, ...] = (None, None, None)
    token: bytes | None = None
    state: PartitionState = field(default_factory=PartitionState)
    model: Model | None = None
    sums: PartitionFigures | None = None

    def update(self, small: bytes | None, model: bytes | None, sums: bytes | None) -> None:
        """Decode what has changed."""
        if small != self.raw[0]:
            self.state = PartitionState.decode(small)
        if model != self.raw[1]:
            self.model = Model.from_json(model) if model else None
        if sums != self.raw[2]:
            self.sums = PartitionFigures.decode(sums) if sums else None
        self.raw = small, model, sums


class CustomerReader:
    """Reads customers of a state that may go on meanwhile; for one thread.

    Parameters
    ----------
    store
        The state.
    pseudonyms
        By which the ids that are asked for are stored.

    Raises
    ------
    StateMissing
        If there is no state yet.
    """

    def __init__(self, store: Store, pseudonyms: Pseudonyms = NO_PSEUDONYMS) -> None:
        self._store, self._pseudonyms = store, pseudonyms
        self._begin(store.meta())

    def read(self, names: Sequence[str]) -> StoredCustomers:
        """Read customers as they stand: those of one partition all between the same two commits.

        Parameters
        ----------
        names
            Their ids, each once; at least one. Of pseudonyms under several keys, the newest that is known is read.

        Raises
        ------
        StoreError
            If there is no state any more (``StateMissing``), or it cannot be read.
        """
        stored = [self._pseudonyms.every(name) for name in names]
        every = self._records([pseudonym for some in stored for pseudonym in some])
        found = every if len(every[0]) == len(names) else _newest(every, list(map(len, stored)))
        as_of = max((part.state.watermark or 0 for part in self._parts), default=0)
        sums = [part.sums for part in self._parts if part.sums]
        context = ScoringContext.of(self._reader, as_of, self._parts[0].model, sums, self._predictor)
        return StoredCustomers(names, found, [(part.state, part.model) for part in self._parts], self._codec, context)

    def _begin(self, meta: StateMeta) -> None:
        self._meta = meta
        self._settings = from_stored(meta.settings)
        self._codec, self._reader = layout(self._settings)
        self._parts = [_Part() for _ in range(meta.partitions)]
        self._predictor: StatePredictor | None = None

    def _records(self, names: Sequence[str]) -> list[list[bytes | None]]:
        """Read the records in each partition, and all that they are scored with."""
        fields = [customer_field(name) for name in names]
        while True:
            found = [self._of_partition(number, part, fields) for number, part in enumerate(self._parts)]
            if None not in found:
                return [one for one in found if one is not None]
            meta = self._store.meta()
            if meta != self._meta:
                self._begin(meta)

    def _of_partition(self, number: int, part: _Part, fields: Sequence[bytes]) -> list[bytes | None] | None:
        """Read one partition; ``None`` if it was claimed anew, since when all may be another state."""
        records, (token,), (small, model, sums, version) = self._store.partition(number).together(
            hash_fields(number, CUSTOMERS, fields),
            hash_fields(number, META, [TOKEN]),
            plain_value(number, state.NAME),
            plain_value(number, segmenting.MODEL),
            plain_value(number, peers.NAME),
            plain_value(number, keys.VERSION_NAME),
        )
        known, part.token = part.token, token
        if known != token:
            return None
        part.update(small, model, sums)
        if number == MODEL_PARTITION:
            self._update_predictor(keys.version_of(version))
        return records

    def _update_predictor(self, version: int) -> None:
        """Read the predictor if there is another version than the one that was read."""
        known = self._predictor.predictor.version if self._predictor else 0
        if version != known:
            self._predictor = StatePredictor.read(self._store.partition(MODEL_PARTITION), self._settings)


def _newest(found: list[list[bytes | None]], counts: Sequence[int]) -> list[list[bytes | None]]:
    """Return of each customer the stored records of the first pseudonym that is known, by partition.

    Parameters
    ----------
    found
        The records of all pseudonyms, by partition.
    counts
        How many of them each customer has.
    """
    chosen, begin = [], 0
    for count in counts:
        places = range(begin, begin + count)
        chosen.append(next((place for place in places if any(part[place] is not None for part in found)), begin))
        begin += count
    return [[part[place] for place in chosen] for part in found]
