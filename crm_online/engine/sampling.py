"""The sample of customers, and what is known of those in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.traits import Traits
from crm_online.engine.loaded import Loaded
from crm_online.events.columns import EventColumns, Kind
from crm_online.segments.sample import Sample
from crm_online.step import Put, Remove, Write

TRAITS = "said"
"""Name of the key of attributes, contact reasons and feedback; states written so far have this name."""
BOUGHT = "bought"


@dataclass(frozen=True, slots=True)
class AcceptedEvents:
    """Events that counted, of known customers, and the partition's number of each line's item (-1: unknown)."""

    events: EventColumns
    items: NDArray[np.int64]

    def without(self, customers: Collection[str]) -> AcceptedEvents:
        """Return the events of all but some customers."""
        if not any(name in customers for name in self.events.customers):
            return self
        others = np.array([name not in customers for name in self.events.customers])[self.events.customer]
        lines = np.repeat(others, np.diff(self.events.line_start))
        return AcceptedEvents(self.events.select(others), self.items[lines])


class Sampling:
    """The sample of one partition, with the traits of its customers.

    Parameters
    ----------
    size
        How many customers the sample holds at most.
    loaded
        What the store holds of the partition.
    """

    def __init__(self, size: int, loaded: Loaded) -> None:
        self._sample = Sample(size, loaded.sampling_key)
        self._sample.load(loaded.sample)
        traits, bought = dict(loaded.traits), dict(loaded.bought)
        names = dict.fromkeys([*traits, *bought])
        self._traits = {name.decode(): Traits.decode(traits.get(name), bought.get(name)) for name in names}

    def __contains__(self, customer: object) -> bool:
        return customer in self._sample.hashes

    def __len__(self) -> int:
        return len(self._sample.hashes)

    def followed(self, phase: int, phases: int, most: int) -> list[str]:
        """Return who is in one of as many parts of the sample, in order of hash.

        Parameters
        ----------
        phase, phases
            Which part, of how many.
        most
            Of how many customers of the sample, those with the smallest hashes; so all partitions follow as many
            as the sample has.
        """
        ranked = [(value, name) for name, value in self._sample.hashes.items()]
        if len(ranked) > most:
            ranked = nsmallest(most, ranked)
        return [name for _, name in sorted(pair for pair in ranked if pair[0] % phases == phase)]

    def offer(self, customers: Sequence[str]) -> Iterator[Write]:
        """Admit customers whose hashes are small enough; those who leave for them are forgotten."""
        entered, left = self._sample.admit([name for name in customers if name not in self])
        yield from self._sample.writes(entered, left)
        yield from self._drop([name for name in left if name in self._traits])

    def forget(self, customer: str) -> Iterator[Write]:
        """Take a customer out, with all that is kept of it."""
        yield from self._sample.forget(customer)
        if customer in self._traits:
            yield from self._drop([customer])

    def observe(self, runs: Sequence[AcceptedEvents]) -> Iterator[Write]:
        """Add to the traits of customers who are in the sample."""
        changed, bought = dict[str, Traits](), dict[str, Traits]()
        for run in runs:
            events = run.events
            sampled = np.array([name in self for name in events.customers] + [False], bool)[events.customer]
            for row in np.flatnonzero(sampled & np.isin(events.kind, _TRAIT_KINDS)).tolist():
                name = events.customers[events.customer[row]]
                changed[name] = self._traits.setdefault(name, Traits())
                _observe(changed[name], events, row)
            for code, item, lines in _lines(run, sampled):
                name = events.customers[code]
                traits = bought[name] = self._traits.get(name) or self._traits.setdefault(name, Traits())
                traits.add_lines(item, lines)
        if changed:
            yield Put(TRAITS, {name.encode(): traits.encode() for name, traits in changed.items()})
        if bought:
            yield Put(BOUGHT, {name.encode(): traits.encode_items() for name, traits in bought.items()})

    def _drop(self, names: Sequence[str]) -> Iterator[Write]:
        if names:
            for name in names:
                del self._traits[name]
            fields = [name.encode() for name in names]
            yield Remove(TRAITS, fields)
            yield Remove(BOUGHT, fields)


_TRAIT_KINDS = [Kind.PROFILE, Kind.CONTACT, Kind.FEEDBACK]


def _observe(traits: Traits, events: EventColumns, row: int) -> None:
    kind, detail = events.kind[row], events.details.get(row, {})
    attributes, reason = detail.get("attributes"), detail.get("reason")
    if kind == Kind.PROFILE and isinstance(attributes, dict):
        traits.update_attributes(attributes)
    elif kind == Kind.CONTACT and isinstance(reason, str):
        traits.add_contact(reason)
    elif kind == Kind.FEEDBACK:
        traits.add_feedback(float(events.score[row]))


def _lines(run: AcceptedEvents, chosen: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return customer, item and number of lines of what some of the events bought, in a fixed order."""
    events = run.events
    buys = np.repeat(chosen & (events.kind == Kind.PURCHASE), np.diff(events.line_start)) & (run.items >= 0)
    if not buys.any():
        return []
    customer = np.repeat(events.customer, np.diff(events.line_start))[buys].astype(np.int64)
    pairs, lines = np.unique(customer << 32 | run.items[buys], return_counts=True)
    return list(zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), lines.tolist(), strict=True))
