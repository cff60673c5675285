"""The items of one partition by number: counters count numbers, people read names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.step import Append, Write

NAME = "items"


@dataclass(slots=True)
class ItemNames:
    """Items in the order in which they first came; an item's number is its place.

    Attributes
    ----------
    names
        Names by number.
    ids
        Numbers by name.

    Examples
    --------
    >>> items = ItemNames()
    >>> items.numbers(["milk", "bread", "milk"]).tolist()
    [0, 1, 0]
    >>> items.names
    ['milk', 'bread']
    """

    names: list[str] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    _stored: int = 0

    def load(self, raw: Iterable[bytes]) -> None:
        """Take the items from the store."""
        self.names = [name.decode() for name in raw]
        self.ids = {name: number for number, name in enumerate(self.names)}
        self._stored = len(self.names)

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the numbers of some items; those not seen before get the next ones."""
        found = np.empty(len(names), np.int64)
        for place, name in enumerate(names):
            number = self.ids.get(name)
            if number is None:
                number = self.ids[name] = len(self.names)
                self.names.append(name)
            found[place] = number
        return found

    def writes(self) -> Iterator[Write]:
        """Return what the store does not have yet."""
        if self._stored < len(self.names):
            yield Append(NAME, [name.encode() for name in self.names[self._stored :]])
            self._stored = len(self.names)
