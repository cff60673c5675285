"""The sample of customers on which models are fitted: those with the smallest hashes.

A bottom-k sample is uniform over customers, does not depend on the order in which they came, and
merges over partitions by taking the smallest again.

Source: Cohen and Kaplan, Summarizing data using bottom-k sketches, PODC 2007.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from crm_online.events.columns import hash64
from crm_online.step import Put, Remove, Write

_KEY = "crm-online/sample"
_HASH = struct.Struct("<Q")
NAME = "sample"
_BATCH = 10_000


@dataclass(slots=True)
class Sample:
    """The sample of one partition.

    Parameters
    ----------
    size
        How many customers it holds at most.
    key
        What the hashes depend on.
    hashes
        Hash by customer id.
    """

    size: int
    key: str = ""
    hashes: dict[str, int] = field(default_factory=dict)
    _largest: list[tuple[int, str]] = field(default_factory=list)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the sample from the store."""
        self.hashes = {customer.decode(): _HASH.unpack(value)[0] for customer, value in raw}
        self._largest = [(-value, customer) for customer, value in self.hashes.items()]
        heapq.heapify(self._largest)

    def admit(self, newcomers: Sequence[str]) -> tuple[list[str], list[str]]:
        """Let customers who are new into the sample, if their hashes are small enough.

        Returns
        -------
        tuple
            Who is in it now of those who were offered, and who of those before had to leave for them.
        """
        entered: dict[str, None] = {}
        left: list[str] = []
        for customer, value in zip(newcomers, hash64(newcomers, _KEY + self.key).tolist(), strict=True):
            if len(self.hashes) >= self.size and value >= -self._first()[0]:
                continue
            self.hashes[customer] = value
            heapq.heappush(self._largest, (-value, customer))
            entered[customer] = None
            if len(self.hashes) > self.size:
                _, gone = heapq.heappop(self._largest)
                del self.hashes[gone]
                if gone in entered:
                    del entered[gone]
                else:
                    left.append(gone)
        return list(entered), left

    def offer(self, newcomers: Sequence[str]) -> Iterator[Write]:
        """Admit customers, and write who entered and who left."""
        yield from self.writes(*self.admit(newcomers))

    def writes(self, entered: Sequence[str], left: Sequence[str]) -> Iterator[Write]:
        """Write what :meth:`admit` returned."""
        if left:
            yield Remove(NAME, [customer.encode() for customer in left])
        if entered:
            yield Put(NAME, {customer.encode(): _HASH.pack(self.hashes[customer]) for customer in entered})

    def forget(self, customer: str) -> Iterator[Write]:
        """Take a customer out; the place is free for who has the next hash, see :func:`smallest`."""
        if self.hashes.pop(customer, None) is not None:
            yield Remove(NAME, [customer.encode()])

    def _first(self) -> tuple[int, str]:
        # Customers who were forgotten stay in the heap until they come up.
        while self._largest[0][1] not in self.hashes:
            heapq.heappop(self._largest)
        return self._largest[0]


def smallest(customers: Iterable[str], count: int, key: str = "") -> list[str]:
    """Return the customers with the smallest hashes by a key, the smallest first; empty names are left out."""
    every = iter(customers)

    def hashed() -> Iterator[tuple[int, str]]:
        while some := list(islice(every, _BATCH)):
            named = [name for name in some if name]
            yield from zip(hash64(named, _KEY + key).tolist(), named, strict=True)

    return [name for _, name in heapq.nsmallest(count, hashed())]


def merged(samples: Iterable[Iterable[tuple[bytes, bytes]]], size: int) -> list[tuple[int, str]]:
    """Return the sample over several partitions: pairs of partition and customer id, in order of hash."""
    every = list[tuple[int, int, str]]()
    for partition, sample in enumerate(samples):
        stored = list(sample)
        hashes = np.frombuffer(b"".join([value for _, value in stored]), "<u8").tolist()
        names = [customer.decode() for customer, _ in stored]
        every += zip(hashes, [partition] * len(stored), names, strict=True)
    return [(partition, customer) for _, partition, customer in sorted(every)[:size]]
