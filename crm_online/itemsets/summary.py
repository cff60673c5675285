"""What one partition says to the others about its itemsets."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.decay import Decay
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.keys import MAX_ITEMS, NO_ITEM, keys_of
from crm_online.itemsets.parts import UNKNOWN
from crm_online.itemsets.reading import Itemsets, frequent
from crm_online.itemsets.state import ERROR, OPENING, CounterState
from crm_online.itemsets.table import ABSENT, KeyTable

_MAGIC = b"crmS"
_VERSION = 1
_LEAD = struct.Struct("<4sHIQI")  # magic, version, length of the JSON head, length of the body, CRC-32 of both


@dataclass(frozen=True)
class Summary:
    """The itemsets of one partition whose upper bound reaches a floor, by name; a ``Part`` that can travel.

    Attributes
    ----------
    half_life, landmark
        How weights fade (ms, None: they do not), and the time that they are relative to, ms.
    weight
        Decayed number of baskets, relative to the landmark.
    epsilon
        The partition's achieved epsilon, or the floor where that is larger.
    missed
        The largest weight that an itemset of 1, 2 or 3 items that is not here can have.
    names
        Names of the items that occur; ids are places in this list.
    sets
        The itemsets and their bounds, relative to the landmark.
    """

    half_life: int | None
    landmark: int
    weight: float
    epsilon: float
    missed: tuple[float, float, float]
    names: Sequence[str]
    sets: Itemsets

    @classmethod
    def of(cls, counters: ItemsetCounters, names: Sequence[str], floor: float = 0.0) -> Self:
        """Sum up the counters of a partition.

        Parameters
        ----------
        names
            Names by the partition's item ids.
        floor
            Share of the partition's baskets below which an itemset is left out. Merging is right for every
            ``min_support`` from here on; bounds get tighter with a lower floor, at 0 they are the counters' own.
        """
        state = counters.state
        least = floor * state.baskets
        sets = frequent(state, least, upper=True)
        used = np.unique(sets.items[sets.items != NO_ITEM])
        items = np.searchsorted(used, sets.items).astype(np.int32)
        items[sets.items == NO_ITEM] = NO_ITEM
        return cls(
            state.decay.half_life,
            state.landmark,
            state.baskets,
            max(counters.achieved_epsilon, floor),
            missed_by(state, least),
            [names[item] for item in used.tolist()],
            Itemsets(items, sets.count, sets.error),
        )

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """The ids by name."""
        return {name: number for number, name in enumerate(self.names)}

    def baskets(self, as_of: int) -> float:
        """Return the decayed number of baskets."""
        return self.weight * self._reading(as_of)

    def frequent(self, min_support: float, as_of: int) -> Itemsets:
        """Return the itemsets whose upper bound is at least this share of the partition's baskets."""
        chosen = self.sets.count + self.sets.error >= min_support * self.weight * (1 - 1e-12)
        factor = self._reading(as_of)
        return Itemsets(self.sets.items[chosen], self.sets.count[chosen] * factor, self.sets.error[chosen] * factor)

    def lookup(self, items: NDArray[np.int32], as_of: int) -> Itemsets:
        """Return the bounds of any itemsets; what is not here may have been missed."""
        count, error = np.zeros(len(items)), np.zeros(len(items))
        sizes = np.count_nonzero(items != NO_ITEM, axis=1)
        for size in (1, 2, 3):
            rows = np.flatnonzero(sizes == size)
            count[rows], error[rows] = self._bounds(items[rows, :size])
        factor = self._reading(as_of)
        return Itemsets(items, count * factor, error * factor)

    def encode(self) -> bytes:
        """Return the summary as bytes."""
        head = {
            "half_life": self.half_life,
            "landmark": self.landmark,
            "weight": self.weight.hex(),
            "epsilon": self.epsilon.hex(),
            "missed": [bound.hex() for bound in self.missed],
            "names": list(self.names),
        }
        raw = json.dumps(head, ensure_ascii=True).encode()
        columns = (self.sets.items.astype("<i4"), self.sets.count.astype("<f8"), self.sets.error.astype("<f8"))
        body = b"".join(column.tobytes() for column in columns)
        return _LEAD.pack(_MAGIC, _VERSION, len(raw), len(body), zlib.crc32(raw + body)) + raw + body

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Return the summary of some bytes.

        Raises
        ------
        StateTooNew
            If a newer version wrote them.
        StateCorrupt
            If no version wrote them.
        """
        if len(raw) < _LEAD.size or not raw.startswith(_MAGIC):
            raise StateCorrupt("a summary of itemsets cannot be read: no version wrote these bytes")
        _, version, head_length, body_length, checksum = _LEAD.unpack_from(raw)
        if version > _VERSION:
            raise StateTooNew(f"a summary of itemsets is of version {version}, this crm-online knows up to {_VERSION}")
        rest = raw[_LEAD.size :]
        if version < 1 or len(rest) != head_length + body_length or zlib.crc32(rest) != checksum:
            raise StateCorrupt("a summary of itemsets cannot be read: bytes are missing or changed")
        head = json.loads(rest[:head_length])
        body = rest[head_length:]
        rows = len(body) // 28
        items = np.frombuffer(body, "<i4", 3 * rows).reshape(rows, 3).astype(np.int32)
        count = np.frombuffer(body, "<f8", rows, 12 * rows).astype(np.float64)
        error = np.frombuffer(body, "<f8", rows, 20 * rows).astype(np.float64)
        one, two, three = (float.fromhex(bound) for bound in head["missed"])
        return cls(
            head["half_life"],
            head["landmark"],
            float.fromhex(head["weight"]),
            float.fromhex(head["epsilon"]),
            (one, two, three),
            head["names"],
            Itemsets(items, count, error),
        )

    def _reading(self, as_of: int) -> float:
        return float(Decay(self.half_life).reading(np.array([as_of]), np.array([self.landmark]))[0])

    @cached_property
    def _tables(self) -> tuple[KeyTable, KeyTable, KeyTable]:
        tables = KeyTable(2), KeyTable(2), KeyTable(2)
        sizes = self.sets.sizes
        for size, table in enumerate(tables, start=1):
            rows = np.flatnonzero(sizes == size)
            keys = keys_of(self.sets.items[rows, :size])
            table.append(keys, np.stack([self.sets.count[rows], self.sets.error[rows]]))
        return tables

    def _bounds(self, items: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        size = items.shape[1]
        count, error = np.zeros(len(items)), np.full(len(items), self.missed[size - 1])
        if size > 1:
            for left_out in range(size):
                count_, error_ = self._bounds(np.delete(items, left_out, axis=1))
                error = np.minimum(error, count_ + error_)
        fits = (items != UNKNOWN).all(axis=1) & (items < MAX_ITEMS).all(axis=1)
        table = self._tables[size - 1]
        row = np.where(fits, table.find(np.where(fits, keys_of(items), 0)), ABSENT)
        is_there = row != ABSENT
        count[is_there], error[is_there] = table.values[:, row[is_there]]
        return count, error


def missed_by(state: CounterState, least: float) -> tuple[float, float, float]:
    """Return the largest weight of a set of 1, 2 or 3 items that is not counted, or is left out below ``least``."""
    closed = state.item_count[np.isnan(state.item_opening)].max(initial=0.0)
    opened = np.nanmax(state.item_opening, initial=0.0)
    pairs = state.pairs.values
    is_closed = np.isnan(pairs[OPENING])
    closed_pair = (pairs[0, is_closed] + pairs[ERROR, is_closed]).max(initial=0.0)
    opened_pair = np.nanmax(pairs[OPENING], initial=0.0)
    if state.max_size == 1:
        opened = state.item_count.max(initial=0.0)
    if state.max_size < 3:
        closed_pair = (pairs[0] + pairs[ERROR]).max(initial=0.0)
    two = max(least, closed, opened, state.floors[0].max())
    three = max(two, closed_pair, opened_pair, state.floors[1].max())
    return least, float(two), float(three)
