"""Emits rules that entered, changed or left since they were last emitted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence

from crm_online.engine.changes import Changes
from crm_online.itemsets.parts import FrequentItemsets, PartitionItemsets, merge
from crm_online.rules.changes import diff, in_force
from crm_online.rules.customers import Buyers
from crm_online.rules.emitted import EmittedRules, RuleChange, RuleChangeKind
from crm_online.rules.levels import Levels
from crm_online.settings import Settings
from crm_online.step import Put, Remove, Topic, Write

NAME = "rules"


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

    def load(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Load the last change emitted of each rule."""
        self._emitted = EmittedRules(RuleChange.of_value(key.decode(), json.loads(value)) for key, value in sorted(raw))

    def emit(self, parts: Sequence[PartitionItemsets], buyers: Buyers, as_of: int, changes: Changes) -> Iterator[Write]:
        """Derive the rules over all partitions, and emit those that differ from what was last emitted.

        Parameters
        ----------
        parts
            What each partition has counted.
        buyers
            The orders that the partitions keep.
        as_of
            Time in ms at which counts are read.
        changes
            Gets the changes.
        """
        levels = self._levels
        found = merge(parts, as_of, levels.leave_support(sum(part.baskets(as_of) for part in parts)))
        news = diff(found, self._emitted, levels, buyers)
        self._emitted.update(news)
        put: dict[bytes, bytes] = {}
        gone: list[bytes] = []
        for change in news:
            left = change.change is RuleChangeKind.LEFT
            line = changes.emit(Topic.RULES, change.id, change.value(), tombstone=left)
            if left:
                gone.append(change.id.encode())
            else:
                put[change.id.encode()] = line
        if gone:
            yield Remove(NAME, gone)
        if put:
            yield Put(NAME, put)

    def republish(self, published: Collection[str], changes: Changes) -> Iterator[Write]:
        """Emit the present state of rules whose published changes this state, put back in time, knows nothing of.

        A rule in force gets the values last emitted, any other one has left.
        """
        put: dict[bytes, bytes] = {}
        for rule in sorted(published):
            last = self._emitted.get(rule)
            if last is not None:
                value = last.value() | {"change": RuleChangeKind.CHANGED}
                put[rule.encode()] = changes.emit(Topic.RULES, rule, value)
            else:
                antecedent, consequent = json.loads(rule)
                gone = {"change": RuleChangeKind.LEFT, "antecedent": antecedent, "consequent": consequent}
                changes.emit(Topic.RULES, rule, gone, tombstone=True)
        if put:
            yield Put(NAME, put)


def list_rules(
    found: FrequentItemsets,
    settings: Settings,
    emitted: Iterable[tuple[bytes, bytes]],
    buyers: Buyers,
    *,
    sort: str = "rank",
    item: str | None = None,
) -> list[dict[str, object]]:
    """Return the rules that the counts hold now, as look-ups give them.

    Parameters
    ----------
    found
        The itemsets at :meth:`crm_online.rules.levels.Levels.enter_support` or below.
    settings
        The settings in force.
    emitted
        The last change emitted of each rule, as the store holds it: a rule that was emitted has that change's id.
    buyers
        The orders that the partitions keep.
    sort
        ``lift``, ``confidence``, ``support`` (the largest first) or ``rank``.
    item
        Only rules with this item on either side.
    """
    last = {key.decode(): json.loads(value) for key, value in emitted}
    rules = in_force(found, levels_of(settings), buyers)
    values: list[dict[str, object]] = []
    for rule in rules:
        if item is not None and item not in rule.antecedent + rule.consequent:
            continue
        before = last.get(rule.id, {})
        values.append({"change_id": before.get("change_id"), **rule.value(), "change": before.get("change", "entered")})
    if sort == "rank":
        return values
    return sorted(values, key=lambda value: -float(str(value[sort])))
