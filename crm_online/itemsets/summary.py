"""The frequent itemsets of one partition, as bytes for the partition that derives rules."""

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

from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.reading import ABSENT, NO_ITEM, ItemsetIndex, Itemsets, widened
from crm_online.itemsets.weights import BasketWeights

_MAGIC = b"crmS"
_VERSION = 2
_LEAD = struct.Struct("<4sHIQI")  # magic, version, length of the JSON head, length of the body, CRC-32 of both


@dataclass(frozen=True)
class Summary:
    """The itemsets of one partition whose upper bound reaches a floor, by name.

    Attributes
    ----------
    half_life, read_at
        How weights fade (ms, None: they do not), and the time as of which they are, ms.
    weight
        Decayed number of baskets.
    max_size
        Items in an itemset.
    missed
        The largest weight that an itemset that is not here can have.
    names
        Names of the items that occur; ids are places in this list.
    sets
        The itemsets and their bounds.
    """

    half_life: int | None
    read_at: int
    weight: float
    max_size: int
    missed: float
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
            ``min_support`` from here on; bounds get tighter with a lower floor.
        """
        as_of = counters.latest or 0
        sets = counters.frequent(floor, as_of)
        used = np.unique(sets.items[sets.items != NO_ITEM])
        items = np.searchsorted(used, sets.items).astype(np.int32)
        items[sets.items == NO_ITEM] = NO_ITEM
        weight = counters.baskets(as_of)
        return cls(
            counters.weights.half_life,
            as_of,
            weight,
            counters.max_size,
            max(floor * weight, sets.missed),
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
        width = max(items.shape[1], self.sets.items.shape[1])
        index = self._index if width == self.sets.items.shape[1] else ItemsetIndex(widened(self.sets.items, width))
        wide = widened(items, width)
        row = index.find(wide)
        there = row != ABSENT
        sizes = np.count_nonzero(items != NO_ITEM, axis=1)
        count, error = np.zeros(len(items)), np.where(sizes <= self.max_size, self.missed, self.weight)
        count[there], error[there] = self.sets.count[row[there]], self.sets.error[row[there]]
        # An itemset that is not here weighs no more than its items.
        for column in wide.T:
            single = np.full((len(items), width), NO_ITEM, np.int32)
            single[:, 0] = column
            place = index.find(single)
            known = place != ABSENT
            least = np.where(known, self.sets.count[place] if len(self.sets) else 0.0, self.missed)
            bounded = ~there & (column != NO_ITEM)
            error[bounded] = np.minimum(error, least)[bounded]
        factor = self._reading(as_of)
        return Itemsets(items, count * factor, error * factor)

    def encode(self) -> bytes:
        """Return the summary as bytes."""
        head = {
            "half_life": self.half_life,
            "read_at": self.read_at,
            "weight": self.weight.hex(),
            "max_size": self.max_size,
            "missed": self.missed.hex(),
            "width": self.sets.items.shape[1],
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
        if version < _VERSION or len(rest) != head_length + body_length or zlib.crc32(rest) != checksum:
            raise StateCorrupt("a summary of itemsets cannot be read: bytes are missing or changed")
        head = json.loads(rest[:head_length])
        body = rest[head_length:]
        width = head["width"]
        rows = len(body) // (16 + 4 * width)
        items = np.frombuffer(body, "<i4", width * rows).reshape(rows, width).astype(np.int32)
        count = np.frombuffer(body, "<f8", rows, 4 * width * rows).astype(np.float64)
        error = np.frombuffer(body, "<f8", rows, (8 + 4 * width) * rows).astype(np.float64)
        return cls(
            head["half_life"],
            head["read_at"],
            float.fromhex(head["weight"]),
            head["max_size"],
            float.fromhex(head["missed"]),
            head["names"],
            Itemsets(items, count, error),
        )

    def _reading(self, as_of: int) -> float:
        return BasketWeights(self.half_life, self.read_at).reading(as_of)

    @cached_property
    def _index(self) -> ItemsetIndex:
        return ItemsetIndex(self.sets.items)
