"""What partition 0 keeps of another partition, to derive rules over all: its counters and orders, read bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from crm_online.baskets.sampled import SampledOrder
from crm_online.baskets.transitions import Transition
from crm_online.engine import basket_journal
from crm_online.engine.state import PartitionState
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JournalCursor:
    """How far the baskets of a partition were read.

    Attributes
    ----------
    checkpoints
        How many checkpoints the partition had written; -1: nothing was read.
    entries, size
        Number of the entries, and their length in bytes, of its journal since the last one.
    items
        Number of its items.
    """

    checkpoints: int = -1
    entries: int = 0
    size: int = 0
    items: int = 0

    def is_followed_by(self, stored: PartitionState, entries: Sequence[bytes]) -> bool:
        """Return whether these journal entries are everything that a partition in that state has counted since."""
        return stored.checkpoints == self.checkpoints and stored.journal_bytes == self.size + sum(map(len, entries))


@dataclass(frozen=True, slots=True)
class StoredCounters:
    """What a partition stores of its baskets and orders: all, or what came after a cursor.

    Attributes
    ----------
    cursor
        Where the next reading goes on.
    is_whole
        Whether ``checkpoint`` and ``journal`` are all there is.
    checkpoint, journal
        The last checkpoint of the counters, and entries of the journal.
    items
        The names of the items that come after the cursor.
    orders, transitions
        The orders that are sampled, and orders with the next one of the same customer; all of them.
    """

    cursor: JournalCursor
    is_whole: bool
    checkpoint: Sequence[bytes]
    journal: Sequence[bytes]
    items: Sequence[bytes]
    orders: Sequence[bytes]
    transitions: Sequence[bytes]


class _Decoded(Generic[T]):
    """Decoded values, of which only those are decoded that were not there the time before."""

    def __init__(self, decode: Callable[[bytes], T]) -> None:
        self._decode = decode
        self._known: dict[bytes, T] = {}

    def update(self, stored: Sequence[bytes]) -> list[T]:
        known = self._known
        found = [known[raw] if raw in known else self._decode(raw) for raw in stored]
        self._known = dict(zip(stored, found, strict=True))
        return found


@dataclass(slots=True)
class CountersReplica:
    """The counters of another partition, the same to the last bit, with the orders that it keeps.

    Parameters
    ----------
    counters
        Empty ones.

    Attributes
    ----------
    cursor
        How far the other partition was read.
    items
        Its items.
    orders, transitions
        The orders that it sampled, and orders with the next one of the same customer.
    """

    counters: ItemsetCounters
    cursor: JournalCursor = JournalCursor()
    items: ItemNames = field(default_factory=ItemNames)
    orders: list[SampledOrder] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    _orders: _Decoded[SampledOrder] = field(default_factory=lambda: _Decoded(SampledOrder.decode))
    _transitions: _Decoded[Transition] = field(default_factory=lambda: _Decoded(Transition.decode))

    @property
    def counted(self) -> PartitionCounters:
        """The counters with the names of the items."""
        return PartitionCounters(self.counters, self.items.names, self.items.ids)

    def update(self, stored: StoredCounters, empty: ItemsetCounters) -> None:
        """Take over what the partition stores: all, into empty counters, or what came since the cursor."""
        before = empty if stored.is_whole else self.counters
        self.counters = basket_journal.restored_counters(before, stored.checkpoint, stored.journal)
        self.items.numbers([name.decode() for name in stored.items])
        self.orders, self.transitions = self._orders.update(stored.orders), self._transitions.update(stored.transitions)
        self.cursor = stored.cursor
