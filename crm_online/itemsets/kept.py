"""The baskets themselves, as item ids, in the order in which they came."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.baskets import Baskets

BASKET_BYTES, ITEM_BYTES = 17, 4
"""Bytes of a basket (time, place, whether it is there) and of each of its items."""

_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_FEWEST_GONE = 1024
_FEWEST_UNSORTED = 4096


class KeptBaskets:
    """Baskets that can be added at the end and removed anywhere; none is empty.

    A basket that is removed leaves its place, until a quarter of the places is empty. To remove one it is found by
    its content: by a hash of time and items, sorted when it is first needed.
    """

    def __init__(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self._times = np.empty(0, np.int64)
        self._start = np.zeros(1, np.int64)
        self._items = np.empty(0, np.int32)
        self._there = np.empty(0, bool)
        self._places = self._cells = self._gone = self._gone_cells = 0
        self._index: tuple[NDArray[np.uint64], NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        """Return the number of baskets."""
        return self._places - self._gone

    @property
    def places(self) -> int:
        """Number of places, empty ones included."""
        return self._places

    @property
    def bytes(self) -> int:
        """Bytes that the baskets take, as the budget counts them."""
        return len(self) * BASKET_BYTES + (self._cells - self._gone_cells) * ITEM_BYTES

    def append(self, batch: Baskets) -> None:
        """Add baskets that are not empty."""
        places, cells = self._places + len(batch), self._cells + len(batch.items)
        self._times = _with_room(self._times, self._places, places)
        self._start = _with_room(self._start, self._places + 1, places + 1)
        self._there = _with_room(self._there, self._places, places)
        self._items = _with_room(self._items, self._cells, cells)
        self._times[self._places : places] = batch.times
        self._start[self._places + 1 : places + 1] = batch.start[1:] - batch.start[0] + self._cells
        self._there[self._places : places] = True
        self._items[self._cells : cells] = batch.items
        self._places, self._cells = places, cells

    def between(self, begin: int, end: int) -> Baskets:
        """Return the baskets in the places ``begin`` to ``end``; views, unless a place is empty."""
        places = Baskets(self._times[: self._places], self._start[: self._places + 1], self._items)
        part = places.between(begin, end)
        there = self._there[begin:end]
        return part if not self._gone or there.all() else part.take(np.flatnonzero(there))

    def all(self) -> Baskets:
        """Return all baskets."""
        return self.between(0, self._places)

    def find(self, baskets: Baskets) -> NDArray[np.int64]:
        """Return the place of each basket with the same time and items, the latest of equals, each place once.

        A basket that is not there has -1.
        """
        found = np.full(len(baskets), -1, np.int64)
        hashes, order = self._indexed()
        begin = len(order)
        late = _hashes(self._places_between(begin))
        used: set[int] = set()
        for number, value in enumerate(_hashes(baskets).tolist()):
            hashed = np.uint64(value)
            first, last = (int(np.searchsorted(hashes, hashed, side)) for side in _SIDES)
            candidates = [*order[first:last].tolist(), *(begin + np.flatnonzero(late == hashed)).tolist()]
            same = baskets.between(number, number + 1)
            for place in reversed(candidates):
                if place not in used and self._there[place] and self._equals(place, same):
                    found[number] = place
                    used.add(place)
                    break
        return found

    def remove(self, places: NDArray[np.int64]) -> None:
        """Take the baskets in these distinct places out."""
        self._there[places] = False
        self._gone += len(places)
        self._gone_cells += int((self._start[places + 1] - self._start[places]).sum())

    def compact(self, before: int) -> int:
        """Give empty places up, if there are many; return what became of the place ``before``."""
        if self._gone <= max(self._places // 4, _FEWEST_GONE):
            return before
        left = int(np.count_nonzero(self._there[:before]))
        self._replace(self.all())
        return left

    def drop(self, rows: NDArray[np.int64]) -> Baskets:
        """Give some of all baskets up for good, by their rows in :meth:`all`, and return them."""
        every = self.all()
        stays = np.ones(len(every), bool)
        stays[rows] = False
        self._replace(every.take(np.flatnonzero(stays)))
        return every.take(rows)

    def _replace(self, baskets: Baskets) -> None:
        self._empty()
        self.append(baskets)

    def _places_between(self, begin: int) -> Baskets:
        places = Baskets(self._times[: self._places], self._start[: self._places + 1], self._items)
        return places.between(begin, self._places)

    def _indexed(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the hashes of most baskets, ascending, and their places."""
        index = self._index
        if index is None or self._places - len(index[1]) > max(_FEWEST_UNSORTED, self._places // 8):
            hashes = _hashes(self._places_between(0))
            order = np.argsort(hashes, kind="stable")
            index = self._index = hashes[order], order
        return index

    def _equals(self, place: int, one: Baskets) -> bool:
        items = self._items[self._start[place] : self._start[place + 1]]
        return bool(self._times[place] == one.times[0]) and np.array_equal(items, one.items)


_T = TypeVar("_T", bound=np.generic)


def _with_room(array: NDArray[_T], used: int, needed: int) -> NDArray[_T]:
    if needed <= len(array):
        return array
    larger = np.empty(needed + needed // 4, array.dtype)
    larger[:used] = array[:used]
    return larger


def _hashes(baskets: Baskets) -> NDArray[np.uint64]:
    """Return a hash of the time and the items of each basket."""
    if not len(baskets):
        return np.empty(0, np.uint64)
    items = np.add.reduceat(_mixed(baskets.items.astype(np.uint64)), baskets.start[:-1])
    return _mixed(items + _mixed(baskets.times.astype(np.uint64)))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits well (splitmix64, Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return found
