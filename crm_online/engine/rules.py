"""Emits rules that entered, changed or left since they were last emitted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.baskets.transitions import Transition
from crm_online.engine.changes import Changes
from crm_online.engine.scoring import MS
from crm_online.events.times import to_short_iso
from crm_online.itemsets.parts import FrequentItemsets, PartitionCounters, merge
from crm_online.rules.changes import Chances, diff, in_force
from crm_online.rules.customers import Buyers
from crm_online.rules.emitted import EmittedRules, RuleChange, RuleChangeKind
from crm_online.rules.learning import Forecasts, RuleLearning, predictors
from crm_online.rules.levels import Levels
from crm_online.rules.next_baskets import NextBaskets
from crm_online.rules.table import RuleTable
from crm_online.settings import Settings
from crm_online.step import Put, Remove, Replace, Topic, Write

NAME = "rules"
LEARNING = "rule-learning"


def levels_of(settings: Settings) -> Levels:
    """Return when rules enter and leave."""
    rules = settings.rules
    return Levels(
        settings.itemsets.min_support,
        rules.min_confidence,
        drop_redundant=rules.redundant == "drop",
        min_count=rules.min_count,
        min_customers=rules.min_customers,
        most=rules.max,
    )


class RuleEmitter:
    """Derives rules and emits what changed.

    Parameters
    ----------
    settings
        The settings in force.
    """

    def __init__(self, settings: Settings) -> None:
        self._levels = levels_of(settings)
        self._emitted = EmittedRules()
        self.learning = RuleLearning()

    def load(self, raw: Iterable[tuple[bytes, bytes]], learning: bytes | None) -> None:
        """Load the last change emitted of each rule, and what was learned."""
        self._emitted = EmittedRules(RuleChange.of_value(key.decode(), json.loads(value)) for key, value in sorted(raw))
        self.learning = RuleLearning.decode(learning)

    def learn(self, parts: Mapping[int, tuple[Sequence[Transition], Sequence[str]]]) -> NextBaskets:
        """Judge the rules by the orders that came since they were derived, learn from these, and return all.

        Parameters
        ----------
        parts
            By partition the orders with the next of each, and the names of the items by number.
        """
        begin, every = self.learning.learned_to, sorted(parts.items())
        seen = NextBaskets.of((part for _, part in every), [begin.get(partition, 0) for partition, _ in every])
        self.learning.learn(seen)
        for partition, (transitions, _) in every:
            begin[partition] = max([begin.get(partition, 0), *(one.number + 1 for one in transitions)])
        return seen

    def emit(
        self,
        counted: PartitionCounters,
        buyers: Buyers,
        seen: NextBaskets,
        as_of: int,
        changes: Changes,
    ) -> Iterator[Write]:
        """Derive the rules over all partitions, and emit those that differ from what was last emitted.

        Parameters
        ----------
        counted
            What all partitions have counted.
        buyers
            The orders that the partitions keep.
        seen
            The orders that the partitions keep with the next of each.
        as_of
            Time in ms at which counts are read, and of the changes.
        changes
            Gets the changes.
        """
        levels = self._levels

        def chances(table: RuleTable) -> NDArray[np.float64] | None:
            now = predictors(table, seen)
            self.learning.forecasts = Forecasts.of(table, now)
            return self.learning.chances(now)

        found = merge([counted], as_of, levels.leave_support(counted.baskets(as_of)))
        changed = diff(found, self._emitted, levels, buyers, chances)
        self._emitted.update(changed)
        put: dict[bytes, bytes] = {}
        gone: list[bytes] = []
        time = _whole_seconds(as_of)
        for change in changed:
            left = change.change is RuleChangeKind.LEFT
            line = changes.emit(Topic.RULES, change.id, change.value() | {"time": time}, tombstone=left)
            if left:
                gone.append(change.id.encode())
            else:
                put[change.id.encode()] = line
        if gone:
            yield Remove(NAME, gone)
        if put:
            yield Put(NAME, put)
        yield Replace(LEARNING, self.learning.encode())

    @property
    def emitted(self) -> frozenset[str]:
        """The ids of the rules in force, as they were last emitted."""
        return frozenset(self._emitted)

    def republish(self, published: Collection[str], now: int, changes: Changes) -> Iterator[Write]:
        """Emit the present state of rules whose published changes this state, put back in time, knows nothing of.

        A rule in force gets the values last emitted, any other one has left; their time is ``now``, in ms.
        """
        put: dict[bytes, bytes] = {}
        time = _whole_seconds(now)
        for rule in sorted(published):
            last = self._emitted.get(rule)
            if last is not None:
                value = last.value() | {"change": RuleChangeKind.CHANGED, "time": time}
                put[rule.encode()] = changes.emit(Topic.RULES, rule, value)
            else:
                antecedent, consequent = json.loads(rule)
                sides = {"antecedent": antecedent, "consequent": consequent}
                gone = {"change": RuleChangeKind.LEFT, **sides, "time": time}
                changes.emit(Topic.RULES, rule, gone, tombstone=True)
        if put:
            yield Put(NAME, put)


def _whole_seconds(time: int) -> str:
    """Return a time as changes have it: without fractions, so that texts are in the order of the times."""
    return to_short_iso(time // MS * MS)


def list_rules(
    found: FrequentItemsets,
    settings: Settings,
    emitted: Iterable[tuple[bytes, bytes]],
    buyers: Buyers,
    chances: Chances = lambda _: None,
) -> list[dict[str, Any]]:
    """Return the rules that the counts hold now, as look-ups give them, by rank.

    Parameters
    ----------
    found
        The itemsets at :meth:`crm_online.rules.levels.Levels.enter_support` or below.
    settings
        The settings in force.
    emitted
        The last change emitted of each rule, as the store holds it: a rule that was emitted has that change's id
        and time.
    buyers
        The orders that the partitions keep.
    chances
        What rules are ranked by.
    """
    last = {key.decode(): json.loads(value) for key, value in emitted}
    values: list[dict[str, Any]] = []
    for rule in in_force(found, levels_of(settings), buyers, chances):
        before = last.get(rule.id, {})
        own = {"change": before.get("change", "entered"), "time": before.get("time")}
        values.append({"change_id": before.get("change_id"), **rule.value(), **own})
    return values
