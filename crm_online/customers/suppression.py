"""Customers who were erased or object, as salted hashes: what happened before, or at all, does not bring them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.step import Put, Write

NAME: Final = "suppressed"
NOT_ERASED: Final = -1
"""The time of erasure of a customer who was not."""
OBJECTED: Final = int(np.iinfo(np.int64).max)
"""The time before which events of a customer are left out who objects: that of all events."""
_HASH_BYTES: Final = 16
_TIME_BYTES: Final = 8


@dataclass(slots=True)
class Suppression:
    """When customers of one partition were erased, or objected, by a hash of their id.

    The time of an objection is stored as what is below ``NOT_ERASED`` by as much and one.

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
    _changed: set[bytes] = field(default_factory=set)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load what the store holds.

        Raises
        ------
        StateCorrupt
            If it is something else.
        """
        for name, time in raw:
            if len(name) != _HASH_BYTES or len(time) != _TIME_BYTES:
                raise StateCorrupt("the list of erased customers in the state cannot be read")
            self._erased_at[name] = int.from_bytes(time, "little", signed=True)

    def __len__(self) -> int:
        return len(self._erased_at)

    def add(self, customer: str, time: int) -> None:
        """Note that a customer was erased at an event time, in ms; of several times the latest counts."""
        name = self.field_of(customer)
        if self._erased_at.get(name, NOT_ERASED) >= NOT_ERASED:  # an objection outlasts an erasure
            self._erased_at[name] = max(time, self._erased_at.get(name, time))
            self._changed.add(name)

    def object(self, customer: str, time: int) -> None:
        """Note that a customer objects from an event time on, in ms."""
        name = self.field_of(customer)
        if self._erased_at.get(name, NOT_ERASED) >= NOT_ERASED:
            self._erased_at[name] = -max(time, 0) - 2
            self._changed.add(name)

    def withdraw(self, customer: str, time: int) -> None:
        """Note that a customer objects no more; what happened before that time stays left out."""
        name = self.field_of(customer)
        if self._erased_at.get(name, NOT_ERASED) < NOT_ERASED:
            self._erased_at[name] = time
            self._changed.add(name)

    def objected_since(self, customer: str) -> int | None:
        """Return since when a customer objects, in ms; ``None``: not."""
        time = self._erased_at.get(self.field_of(customer), NOT_ERASED)
        return None if time >= NOT_ERASED else -time - 2

    def erased_at(self, customers: Sequence[str]) -> NDArray[np.int64]:
        """Return when each customer was erased, int64[n] in ms; ``NOT_ERASED`` where not.

        What happened before that time is left out: of who objects, all.
        """
        if not self._erased_at:
            return np.full(len(customers), NOT_ERASED, np.int64)
        times = (self._erased_at.get(self.field_of(customer), NOT_ERASED) for customer in customers)
        found = (OBJECTED if time < NOT_ERASED else time for time in times)
        return np.fromiter(found, np.int64, len(customers))

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        if self._changed:
            names = sorted(self._changed)
            yield Put(
                NAME, {name: self._erased_at[name].to_bytes(_TIME_BYTES, "little", signed=True) for name in names}
            )
            self._changed = set()

    def field_of(self, customer: str) -> bytes:
        """Return the field of `NAME` that is a customer's."""
        name = customer.encode("utf-8", "surrogatepass")
        return blake2b(name, digest_size=_HASH_BYTES, key=self.salt.encode()[:64]).digest()
