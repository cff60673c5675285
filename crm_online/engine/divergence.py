"""Published changes that a state restored to an earlier time does not know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crm_online.step import Entry, Topic


@dataclass(frozen=True, slots=True)
class Divergence:
    """Changes on the output topics after the last one that the state knows of.

    Attributes
    ----------
    epoch
        The last epoch on the output topics.
    customers
        By customer of these changes, the last published segment; ``None`` for none.
    bands
        By customer and target, the last published band; ``None`` for none.
    segments, rules
        The ids of segments and rules of these changes.
    """

    epoch: int
    customers: Mapping[str, str | None] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    bands: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The customers of segment changes and of predictions, each once."""
        return list(dict.fromkeys([*self.customers, *self.bands]))

    def extend(self, outbox: Iterable[Entry]) -> Divergence:
        """Return this together with the changes of an outbox that will not be published any more."""
        customers, segments, rules = dict(self.customers), set(self.segments), set(self.rules)
        bands = {name: dict(by_target) for name, by_target in self.bands.items()}
        for entry in outbox:
            if entry.topic is Topic.SEGMENT_CHANGES:
                customers.setdefault(entry.key, json.loads(entry.value)["from"])
            elif entry.topic is Topic.PREDICTIONS:
                value = json.loads(entry.value)
                bands.setdefault(entry.key, {}).setdefault(value["target"], value["from"])
            elif entry.topic is Topic.SEGMENTS:
                segments.add(entry.key)
            elif entry.topic is Topic.RULES:
                rules.add(entry.key)
        return Divergence(self.epoch, customers, frozenset(segments), frozenset(rules), bands)
