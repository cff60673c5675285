"""Changes of rules, and the last one emitted of each rule in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.itemsets.reading import MAX_SIZE
from crm_online.rules.table import NO_ITEM

_WIDTH = MAX_SIZE - 1
COMPARED = ("support", "confidence", "lift")
"""The measures by which a rule has changed or not."""


class RuleChangeKind(StrEnum):
    """What happened to a rule."""

    ENTERED = "entered"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of one rule, with its measures; for a rule that left, those last emitted.

    ``p_next_basket`` is what the rank was predicted by: the chance that the next basket of who bought the antecedent
    holds the consequent; ``None`` where nothing was learned yet.
    """

    id: str
    change: RuleChangeKind
    antecedent: tuple[str, ...]
    consequent: tuple[str, ...]
    support: float
    confidence: float
    lift: float
    article_gain: float
    mutual_information: float
    leverage: float
    conviction: float | None
    count: float
    error: float
    baskets: float
    rank: int
    p_next_basket: float | None

    def value(self) -> dict[str, Any]:
        """Return the fields of the change feed, without ``change_id``; an infinite conviction is None.

        ``segment`` is None: these are rules of all customers.
        """
        value: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "id"}
        return value | {"antecedent": list(self.antecedent), "consequent": list(self.consequent), "segment": None}

    @classmethod
    def of_value(cls, id_: str, value: Mapping[str, Any]) -> Self:
        """Return the change of an id and its ``value``; other fields are left aside."""
        # States written before rules were ranked by what sold have no chances.
        fields = {"p_next_basket": None} | {name: value[name] for name in cls.__slots__ if name in value}
        fields["change"] = RuleChangeKind(fields["change"])
        fields["antecedent"], fields["consequent"] = tuple(fields["antecedent"]), tuple(fields["consequent"])
        return cls(id=id_, **fields)

    def gone(self) -> Self:
        """Return the change by which this rule leaves."""
        return type(self)(**{name: getattr(self, name) for name in self.__slots__} | {"change": RuleChangeKind.LEFT})


class EmittedRules(Mapping[str, RuleChange]):
    """The last change emitted of each rule in force, by id; as arrays too, so that deriving again compares arrays.

    Parameters
    ----------
    changes
        Changes in the order in which they were emitted.

    Attributes
    ----------
    figures
        The measures ``COMPARED`` of each rule, in the order of this mapping; shape (n, 3).
    """

    def __init__(self, changes: Iterable[RuleChange] = ()) -> None:
        self._changes: dict[str, RuleChange] = {}
        self._numbers: dict[str, int] = {}
        self._items = np.empty((0, 2, _WIDTH), np.int64)
        self.figures = np.empty((0, len(COMPARED)))
        self.update(changes)

    def __getitem__(self, rule: str) -> RuleChange:
        """Return the last change emitted of a rule."""
        return self._changes[rule]

    def __iter__(self) -> Iterator[str]:
        """Give the ids of the rules in force."""
        return iter(self._changes)

    def __len__(self) -> int:
        """Return the number of rules in force."""
        return len(self._changes)

    def update(self, changes: Iterable[RuleChange]) -> None:
        """Record changes that are emitted."""
        newest = {change.id: change for change in changes}
        stays = np.fromiter((rule not in newest for rule in self._changes), bool, len(self))
        for rule in newest.keys() & self._changes.keys():
            del self._changes[rule]
        new = [change for change in newest.values() if change.change is not RuleChangeKind.LEFT]
        self._changes.update((change.id, change) for change in new)
        figures = [[getattr(change, name) for name in COMPARED] for change in new]
        self.figures = np.concatenate([self.figures[stays], np.array(figures).reshape(-1, len(COMPARED))])
        items = [[self._padded(change.antecedent), self._padded(change.consequent)] for change in new]
        self._items = np.concatenate([self._items[stays], np.array(items, np.int64).reshape(-1, 2, _WIDTH)])

    def sides(self, names: Sequence[str], width: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rules that consist of some items.

        Parameters
        ----------
        names
            Names of the items, ascending.
        width
            Items that a side has at most.

        Returns
        -------
        rows : int64[m]
            Which rules, by their place in this mapping.
        items : int32[m, 2 * width]
            Antecedent and consequent, each padded with ``NO_ITEM``, by the items' places in ``names``.
        """
        places = {name: place for place, name in enumerate(names)}
        missing = len(names)
        place_of = np.array([*(places.get(name, missing) for name in self._numbers), NO_ITEM], np.int64)
        items = place_of[self._items]
        fits = (items != missing).all(axis=(1, 2)) & (items[:, :, width:] == NO_ITEM).all(axis=(1, 2))
        return np.flatnonzero(fits), items[fits, :, :width].reshape(-1, 2 * width).astype(np.int32)

    def _padded(self, side: tuple[str, ...]) -> list[int]:
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in side]
        return [*numbers, *[NO_ITEM] * (_WIDTH - len(side))]
