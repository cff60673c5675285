"""Baskets into itemsets into rules."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence

from crm_online.baskets.counted import CountedBaskets
from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.baskets.sampled import SampledOrder
from crm_online.baskets.transitions import Transition, Transitions
from crm_online.decay import Decay
from crm_online.engine import basket_journal
from crm_online.engine.changes import Changes
from crm_online.engine.loaded import Loaded
from crm_online.engine.peers import MODEL_PARTITION
from crm_online.engine.rules import RuleEmitter
from crm_online.engine.state import PartitionState
from crm_online.engine.step_context import StepContext
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters, PartitionItemsets
from crm_online.itemsets.summary import Summary
from crm_online.rules.customers import Buyers
from crm_online.rules.next_baskets import NextBaskets
from crm_online.settings import Settings
from crm_online.step import Replace, Write

SUMMARY = "summary"
SUMMARY_FLOOR = 0.25
"""Share of min_support from which an itemset is in a summary; what is not there adds to the error."""


def empty_counters(settings: Settings) -> ItemsetCounters:
    """Return counters that have counted nothing yet."""
    itemsets = settings.itemsets
    decay = Decay(itemsets.half_life)
    return ItemsetCounters(itemsets.epsilon_in_force, decay, itemsets.max_size, itemsets.max_bytes)


class Mining:
    """The baskets, itemsets and rules of one partition.

    Parameters
    ----------
    settings
        The settings in force.
    state
        The partition's small state, changed in place.
    loaded
        What the store holds of the partition.
    """

    def __init__(self, settings: Settings, state: PartitionState, loaded: Loaded) -> None:
        self._every, self._partition_count = settings.rules.every, settings.replay.partitions
        self._min_support = settings.itemsets.min_support
        self._state = state
        self.items = ItemNames()
        self.items.load(loaded.items)
        counted = CountedBaskets(settings.baskets.max_bytes, state.remembered_baskets, state.forgotten_to)
        counted.load(loaded.counted_baskets)
        self.baskets = OpenBaskets(settings.baskets.open_for, counted)
        self.baskets.load(loaded.open_baskets)
        self.counters = basket_journal.restored_counters(empty_counters(settings), loaded.counters, loaded.journal)
        self.transitions = Transitions(settings.segments.sample, state.transitions)
        self.transitions.load(loaded.transitions, loaded.last_orders)
        self._rules = RuleEmitter(settings)
        self._rules.load(iter(loaded.rules), loaded.rule_learning)

    def count(
        self,
        step: StepContext,
        closed: list[ClosedBasket],
        withdrawn: list[ClosedBasket],
        sample: Container[str],
    ) -> None:
        """Count baskets that are closed, and at the log's end all that are open.

        Parameters
        ----------
        step
            The step under way.
        closed, withdrawn
            Time and item ids of baskets to be counted, and of baskets that were counted before, with the same time and
            items, and are no longer so: each is part of one that is to be counted, now or when it is closed.
        sample
            The customers of whom one order after the other is kept.
        """
        state = self._state
        if step.end_of_log:
            closed = closed + self.baskets.close_all()
        step.observed.closed, step.observed.withdrawn = closed, withdrawn
        if closed or withdrawn:
            batch, before = (Baskets.of([(one.time, one.items) for one in some]) for some in (closed, withdrawn))
            self.transitions.add(closed, sample)
            self.counters.count(batch, before)
            raw, write = basket_journal.journal_entry(batch, before)
            step.writes.append(write)
            state.baskets += len(closed) - len(withdrawn)
            state.withdrawn_baskets += len(withdrawn)
            state.journal_baskets += len(closed) + len(withdrawn)
            state.journal_bytes += len(raw)
        due = basket_journal.checkpoint_is_due(state.journal_bytes, self.counters.bytes)
        if state.journal_baskets and (step.end_of_log or due):
            step.writes += basket_journal.checkpoint(self.counters)
            state.journal_baskets = state.journal_bytes = 0
        step.writes += self.items.writes()
        step.writes += self.baskets.writes()
        step.writes += self.transitions.writes()
        state.transitions = self.transitions.next
        state.remembered_baskets = self.baskets.counted.number
        state.forgotten_to = self.baskets.counted.forgotten_to

    def summarise(self, step: StepContext) -> None:
        """Write what this partition has counted, for partition 0, once enough baskets came since the last summary."""
        state = self._state
        counted = state.baskets + state.withdrawn_baskets
        if step.end_of_log or counted - state.summary_baskets >= self._every // self._partition_count:
            state.summary_baskets = counted
            floor = SUMMARY_FLOOR * self._min_support
            step.writes.append(Replace(SUMMARY, Summary.of(self.counters, self.items.names, floor).encode()))

    def derive(self, step: StepContext, orders: Sequence[SampledOrder]) -> None:
        """Derive the rules over all partitions, if the step before found it due, and see whether the next one is to.

        Partition 0 does it, with the orders that it keeps.
        """
        state = self._state
        baskets = state.baskets + sum(other.baskets for other in step.others)
        counted = baskets + state.withdrawn_baskets + sum(other.withdrawn for other in step.others)
        if state.rules_due:
            counters = PartitionCounters(self.counters, self.items.names, self.items.ids)
            parts: list[PartitionItemsets] = [counters, *map(Summary.decode, step.read.summaries)]
            seen = self._learn(step)
            step.writes += self._rules.emit(parts, self._buyers(step, orders), seen, step.now, step.changes)
            state.rules_baskets = counted
        fresh = counted - state.rules_baskets
        state.rules_due = fresh >= self._every or (step.end_of_log and fresh > 0)

    def _buyers(self, step: StepContext, orders: Sequence[SampledOrder]) -> Buyers:
        others = [
            ([SampledOrder.decode(one) for one in other.orders], other.items) for other in step.read.others.values()
        ]
        return Buyers.of([(orders, self.items.names), *others])

    def _learn(self, step: StepContext) -> NextBaskets:
        """Judge the rules by the orders that came since they were derived, and return all that are kept."""
        parts: dict[int, tuple[Sequence[Transition], Sequence[str]]] = {
            number: ([Transition.decode(one) for one in other.transitions], other.items)
            for number, other in step.read.others.items()
        }
        parts[MODEL_PARTITION] = self.transitions.latest, self.items.names
        return self._rules.learn(parts)

    def republish(self, rules: Collection[str], changes: Changes) -> Iterator[Write]:
        """Publish again how rules are that were published otherwise."""
        return self._rules.republish(rules, changes)
