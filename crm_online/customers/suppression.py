"""Customers who were erased or object, as salted hashes: what happened before, or at all, does not bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.step import Put, Remove, Write

NAME: Final = "suppressed"
NOT_ERASED: Final = -1
"""The time of erasure of a customer who was not."""
OBJECTED: Final = int(np.iinfo(np.int64).max)
"""The time before which events of a customer are left out who objects: that of all events."""
_HASH_BYTES: Final = 16
_TIME_BYTES: Final = 8
_LENGTHS: Final = (_TIME_BYTES, _TIME_BYTES + 1, 2 * _TIME_BYTES, 2 * _TIME_BYTES + 1)


@dataclass(slots=True)
class Suppression:
    """When customers of one partition were erased, or objected, by a hash of their id.

    What is stored by hash is 64-bit numbers. An erasure is its time; one by retention, which nobody asked for, has a
    byte more after that, and then the time of the last erasure before it that was asked for. An objection is
    ``NOT_ERASED - 1 - time``, so that its sign tells it from an erasure, and then the latest time of all erasures and
    objections: what happened before that stays left out when the objection is withdrawn.

    Parameters
    ----------
    salt
        What the hashes depend on, so that they differ from those of other states: ids can be guessed.

    Examples
    --------
    >>> suppression = Suppression("of this state")
    >>> suppression.add("C17", 5000)
    >>> suppression.erased_at(["C17", "C18"]).tolist()
    [5000, -1]
    """

    salt: str
    _erased_at: dict[bytes, int] = field(default_factory=dict)
    _objected_since: dict[bytes, int] = field(default_factory=dict)
    _lapsed: dict[bytes, int] = field(default_factory=dict)
    _changed: set[bytes] = field(default_factory=set)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load what the store holds.

        Raises
        ------
        StateCorrupt
            If it is something else.
        """
        for name, stored in raw:
            if len(name) != _HASH_BYTES or len(stored) not in _LENGTHS:
                raise StateCorrupt("the list of erased customers in the state cannot be read")
            if len(stored) % _TIME_BYTES:
                self._lapsed[name] = (*_times(stored[_TIME_BYTES + 1 :]), NOT_ERASED)[0]
                stored = stored[:_TIME_BYTES]
            times = _times(stored)
            if times[0] < NOT_ERASED:
                self._objected_since[name] = times[0] = -times[0] - 2
            self._erased_at[name] = max(times)

    def __len__(self) -> int:
        return len(self._erased_at)

    def add(self, customer: str, time: int, *, lapsed: bool = False) -> None:
        """Note that a customer was erased at an event time, in ms; of several times the latest counts.

        Parameters
        ----------
        customer, time
            Who, and when.
        lapsed
            Whether nobody asked for it: the customer was idle for longer than customers are kept.
        """
        name = self.field_of(customer)
        if not lapsed:
            self._lapsed.pop(name, None)
        elif name not in self._lapsed:
            self._lapsed[name] = self._erased_at.get(name, NOT_ERASED)
        self._erased_at[name] = max(time, self._erased_at.get(name, time))
        self._changed.add(name)

    def object(self, customer: str, time: int) -> None:
        """Note that a customer objects from an event time on, in ms."""
        self.add(customer, time)
        self._objected_since.setdefault(self.field_of(customer), max(time, 0))

    def withdraw(self, customer: str, time: int) -> None:
        """Note that a customer objects no more; what happened before that time, or an erasure, stays left out."""
        if self._objected_since.pop(self.field_of(customer), None) is not None:
            self.add(customer, time)

    def bound(self, latest: int) -> None:
        """Move times after one, in ms, back to it, since the log had leapt; who only lapsed by that may come back."""
        for name, time in list(self._erased_at.items()):
            if time <= latest:
                continue
            self._changed.add(name)
            time = self._lapsed.pop(name, time)
            if time == NOT_ERASED:
                del self._erased_at[name]
                continue
            self._erased_at[name] = min(time, latest + 1)
            if name in self._objected_since:
                self._objected_since[name] = min(self._objected_since[name], latest)

    def objected_since(self, customer: str) -> int | None:
        """Return since when a customer objects, in ms; ``None``: not."""
        return self._objected_since.get(self.field_of(customer))

    def erased_at(self, customers: Sequence[str]) -> NDArray[np.int64]:
        """Return when each customer was erased, int64[n] in ms; ``NOT_ERASED`` where not.

        What happened before that time is left out: of who objects, all.
        """
        if not self._erased_at:
            return np.full(len(customers), NOT_ERASED, np.int64)
        return np.fromiter(map(self.time_of, map(self.field_of, customers)), np.int64, len(customers))

    def time_of(self, name: bytes) -> int:
        """Return the same of the customer whose field of `NAME` this is."""
        return OBJECTED if name in self._objected_since else self._erased_at.get(name, NOT_ERASED)

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        gone = sorted(self._changed - self._erased_at.keys())
        if gone:
            yield Remove(NAME, gone)
        if len(gone) < len(self._changed):
            yield Put(NAME, {name: self._stored(name) for name in sorted(self._changed & self._erased_at.keys())})
        self._changed = set()

    def _stored(self, name: bytes) -> bytes:
        times = [self._erased_at[name]]
        if name in self._objected_since:
            times.insert(0, -self._objected_since[name] - 2)
        stored = b"".join(map(_encoded, times))
        if name not in self._lapsed:
            return stored
        before = self._lapsed[name]
        return stored + b"\x01" + (b"" if before == NOT_ERASED else _encoded(before))

    def field_of(self, customer: str) -> bytes:
        """Return the field of `NAME` that is a customer's."""
        name = customer.encode("utf-8", "surrogatepass")
        return blake2b(name, digest_size=_HASH_BYTES, key=self.salt.encode()[:64]).digest()


def _encoded(time: int) -> bytes:
    return time.to_bytes(_TIME_BYTES, "little", signed=True)


def _times(stored: bytes) -> list[int]:
    return [
        int.from_bytes(stored[at : at + _TIME_BYTES], "little", signed=True)
        for at in range(0, len(stored), _TIME_BYTES)
    ]
