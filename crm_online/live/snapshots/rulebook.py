"""The rules of a snapshot: found by item, text, taste and measures, sorted, and page by page."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import orjson
from numpy.typing import NDArray

from crm_online.answers.rules import Sort
from crm_online.errors import InputError
from crm_online.live.etags import etag_of
from crm_online.rules.measures import MEASURES

_NO_ITEM = -1
_CURSOR = re.compile(r"([a-z_]+) (-?(?:inf|[0-9.]+(?:e[+-]?[0-9]+)?)) ([0-9]{1,9})")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules are asked for; all of it must hold.

    Attributes
    ----------
    items
        The rule has each of these, on either side.
    text
        An item of the rule has this in its name, in capitals or not.
    liked_by
        Each item of the antecedent is one that this segment's customers buy more often than the population.
    least
        Least value of some measures, by name.
    """

    items: Sequence[str] = ()
    text: str | None = None
    liked_by: str | None = None
    least: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RulePage:
    """Some rules.

    Attributes
    ----------
    body
        As ``answers.rules.Rules`` has them, as JSON.
    next
        Where the next page begins; ``None``: this is the last.
    """

    body: bytes
    next: str | None


class RuleBook:
    """Rules, for finding them.

    Parameters
    ----------
    rules
        As look-ups have them, the best first.
    as_of
        The time that their measures are read at.
    tastes
        The items that each segment's customers buy more often than the population, by segment.
    lacking
        What is lacking for a rule where there is none, in words.

    Attributes
    ----------
    as_of
        The time that their measures are read at.
    etag
        An entity tag: it changes with anything that can be found.
    """

    def __init__(
        self,
        rules: Sequence[Mapping[str, Any]],
        as_of: str,
        tastes: Mapping[str, frozenset[str]] | None = None,
        lacking: str | None = None,
    ) -> None:
        self.as_of, self._lacking = as_of, lacking
        self._bodies = [orjson.dumps(rule) for rule in rules]
        sides = [(rule["antecedent"], rule["consequent"]) for rule in rules]
        self._rows = {(tuple(left), tuple(right)): row for row, (left, right) in enumerate(sides)}
        self._names = sorted({name for pair in sides for side in pair for name in side})
        self._ids = {name: number for number, name in enumerate(self._names)}
        self._folded = [name.casefold() for name in self._names]
        self._side = max((len(side) for pair in sides for side in pair), default=1)
        self._sides = np.full((len(rules), 2 * self._side), _NO_ITEM, np.int32)
        for row, pair in enumerate(sides):
            for index, side in enumerate(pair):
                self._sides[row, index * self._side : index * self._side + len(side)] = [
                    self._ids[name] for name in side
                ]
        # An infinite conviction is None in a rule's value.
        self._columns = {
            name: np.array([np.inf if rule[name] is None else rule[name] for rule in rules], np.float64)
            for name in MEASURES
        }
        self._ranks = np.array([rule["rank"] for rule in rules], np.int64)
        self._orders = {sort: self._order(sort) for sort in get_args(Sort)}
        self._rules_etag = etag_of(b"\n".join([f"{as_of} {lacking}".encode(), *self._bodies]))
        self._set_tastes(tastes or {})

    def __len__(self) -> int:
        """Return the number of rules."""
        return len(self._bodies)

    def one(self, rule_id: str) -> bytes | None:
        """Return a rule as JSON, by its id as topics have it: ``[["a","b"],["c"]]``; ``None`` if it is not in force."""
        try:
            left, right = orjson.loads(rule_id)
            row = self._rows.get((tuple(left), tuple(right)))
        except (ValueError, TypeError):
            return None
        return None if row is None else self._bodies[row]

    def with_tastes(self, tastes: Mapping[str, frozenset[str]]) -> RuleBook:
        """Return the same rules with other tastes."""
        other = copy(self)
        other._set_tastes(tastes)
        return other

    def _set_tastes(self, tastes: Mapping[str, frozenset[str]]) -> None:
        self._tastes = dict(tastes)
        known = {segment: sorted(items & self._ids.keys()) for segment, items in sorted(tastes.items())}
        self.etag = etag_of(self._rules_etag.encode() + orjson.dumps(known))

    def page(self, matching: RuleFilter, sort: Sort, limit: int, after: str | None = None) -> RulePage:
        """Return some of the rules.

        Parameters
        ----------
        matching
            Which ones.
        sort
            In which order.
        limit
            How many at most.
        after
            ``next`` of the page before. It names a rule, not a number: if the rules have changed
            meanwhile, it goes on with those that follow where that rule was.

        Raises
        ------
        InputError
            If ``after`` is no ``next``, or one in another order.
        """
        rows = self._orders[sort]
        rows = rows[self._fits(matching)[rows]]
        total = len(rows)
        if after is not None:
            rows = rows[self._follows(rows, sort, after)]
        shown = rows[:limit].tolist()
        more = len(rows) > limit
        following = self._cursor(sort, shown[-1]) if more else None
        head = orjson.dumps({"as_of": self.as_of, "total": total, "lacking": self._lacking})[:-1]
        rules = b",".join([self._bodies[row] for row in shown])
        body = b'%s,"rules":[%s],"next":%s}' % (head, rules, orjson.dumps(following))
        return RulePage(body, following)

    def _order(self, sort: Sort) -> NDArray[np.int64]:
        if sort == "rank":
            return np.argsort(self._ranks, kind="stable")
        return np.lexsort((self._ranks, -self._columns[sort]))

    def _fits(self, matching: RuleFilter) -> NDArray[np.bool_]:
        fits = np.ones(len(self), bool)
        for name, least in matching.least.items():
            fits &= self._columns[name] >= least
        for item in matching.items:
            fits &= (self._sides == self._ids.get(item, len(self._names))).any(axis=1)
        if matching.text is not None:
            text = matching.text.casefold()
            having = [number for number, name in enumerate(self._folded) if text in name]
            fits &= np.isin(self._sides, np.array(having, np.int32)).any(axis=1)
        if matching.liked_by is not None:
            liked = [self._ids[item] for item in self._tastes.get(matching.liked_by, ()) if item in self._ids]
            fits &= np.isin(self._sides[:, : self._side], np.array([*liked, _NO_ITEM], np.int32)).all(axis=1)
            fits &= matching.liked_by in self._tastes
        return fits

    def _cursor(self, sort: Sort, row: int) -> str:
        value = 0.0 if sort == "rank" else float(self._columns[sort][row])
        return base64.urlsafe_b64encode(f"{sort} {value!r} {self._ranks[row]}".encode()).decode().rstrip("=")

    def _follows(self, rows: NDArray[np.int64], sort: Sort, after: str) -> NDArray[np.bool_]:
        value, rank = _read_cursor(after, sort)
        later = self._ranks[rows] > rank
        if sort == "rank":
            return later
        column = self._columns[sort][rows]
        smaller: NDArray[np.bool_] = (column < value) | ((column == value) & later)
        return smaller


def _read_cursor(after: str, sort: Sort) -> tuple[float, int]:
    wrong = InputError("after is not the next of a page of rules: begin again without it")
    if len(after) > _LONGEST:
        raise wrong
    try:
        text = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode("ascii")
    except ValueError:
        raise wrong from None
    found = _CURSOR.fullmatch(text)
    if not found:
        raise wrong
    if found[1] != sort:
        raise InputError(f"after is of rules sorted by {found[1]}, not by {sort}: begin again without it")
    try:
        return float(found[2]), int(found[3])
    except ValueError:
        raise wrong from None
