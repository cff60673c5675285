"""What the shop says of its items: whether they can be had, their categories and prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from crm_online.errors import StateCorrupt
from crm_online.events.columns import EventColumns, Kind
from crm_online.step import Put, Write

NAME = "catalogue"


class CatalogueEntry(BaseModel):
    """The last that was said of an item.

    Attributes
    ----------
    time
        When, in ms.
    available
        Whether it can be had.
    category, price
        ``None`` where that was not said.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: int
    available: bool
    category: str | None = None
    price: float | None = None

    def encode(self) -> bytes:
        """Return the entry as bytes."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, raw: bytes) -> CatalogueEntry:
        """Return the entry of some bytes; raises ``StateCorrupt`` where they are none."""
        try:
            return cls.model_validate_json(raw)
        except ValidationError:
            raise StateCorrupt("an item of the catalogue in the state cannot be read") from None

    def follows(self, other: CatalogueEntry) -> bool:
        """Return whether this is the later of two; of the same time what says that the item is sold out.

        So the order in which events come does not matter.
        """
        return (self.time, not self.available, self.encode()) > (other.time, not other.available, other.encode())


@dataclass(slots=True)
class CatalogueEntries:
    """The entries of one partition by the items' names."""

    entries: dict[str, CatalogueEntry] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load the entries of the store."""
        self.entries = {name.decode(): CatalogueEntry.decode(value) for name, value in raw}

    def update(self, events: EventColumns) -> None:
        """Take over what the events of a batch say."""
        for row in np.flatnonzero(events.kind == Kind.CATALOGUE).tolist():
            name = events.baskets[int(events.basket[row])]
            entry = CatalogueEntry.model_validate({"time": int(events.time[row]), **events.details[row]})
            known = self.entries.get(name)
            if known is None or entry.follows(known):
                self.entries[name] = entry
                self._changed.add(name)

    def writes(self) -> Iterator[Write]:
        """Write what has changed."""
        if self._changed:
            yield Put(NAME, {name.encode(): self.entries[name].encode() for name in sorted(self._changed)})
            self._changed = set()


def merged(parts: Iterable[dict[str, CatalogueEntry]]) -> dict[str, CatalogueEntry]:
    """Return the last that was said of each item in any partition."""
    found: dict[str, CatalogueEntry] = {}
    for part in parts:
        for name, entry in part.items():
            if name not in found or entry.follows(found[name]):
                found[name] = entry
    return found
