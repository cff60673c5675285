"""Baskets into itemsets into rules."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence

from crm_online.baskets.anonymous import AnonymousQuota
from crm_online.baskets.counted import CountedBaskets
from crm_online.baskets.open import ClosedBasket, OpenBaskets
from crm_online.baskets.sampled import SampledOrder
from crm_online.baskets.transitions import Transition, Transitions
from crm_online.decay import Decay
from crm_online.engine import basket_journal
from crm_online.engine.changes import Changes
from crm_online.engine.loaded import Loaded
from crm_online.engine.peers import MODEL_PARTITION
from crm_online.engine.replica import CountersReplica, JournalCursor, StoredCounters
from crm_online.engine.rules import RuleEmitter
from crm_online.engine.state import PartitionState
from crm_online.engine.step_context import StepContext
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.names import ItemNames
from crm_online.itemsets.parts import PartitionCounters
from crm_online.itemsets.pooled import PooledCounters
from crm_online.rules.customers import Buyers
from crm_online.rules.next_baskets import NextBaskets
from crm_online.settings import Settings
from crm_online.step import Write


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
        self._settings, self._state = settings, state
        self.items = ItemNames()
        self.items.load(loaded.items)
        counted = CountedBaskets(settings.baskets.max_bytes, state.remembered_baskets, state.forgotten_to)
        counted.load(loaded.counted_baskets)
        self.baskets = OpenBaskets(
            settings.baskets.open_for, counted, AnonymousQuota(settings.baskets.anonymous_share, state.baskets_by_known)
        )
        self.baskets.load(loaded.open_baskets)
        self.counters = basket_journal.restored_counters(empty_counters(settings), loaded.counters, loaded.journal)
        self.transitions = Transitions(settings.segments.sample, state.transitions)
        self.transitions.load(loaded.transitions, loaded.last_orders)
        self._rules = RuleEmitter(settings)
        self._rules.load(iter(loaded.rules), loaded.rule_learning)
        self._pooled: PooledCounters | None = None
        self._replicas: dict[int, CountersReplica] = {}

    @property
    def achieved_epsilon(self) -> float:
        """The largest error of a support that rules were derived with here, or may be."""
        return self.counters.achieved_epsilon if self._pooled is None else self._pooled.achieved_epsilon

    def cursor(self, partition: int) -> JournalCursor:
        """Return how far another partition was read."""
        replica = self._replicas.get(partition)
        return JournalCursor() if replica is None else replica.cursor

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
            state.checkpoints += 1
        step.writes += self.items.writes()
        step.writes += self.baskets.writes()
        step.writes += self.transitions.writes()
        state.transitions = self.transitions.next
        state.remembered_baskets = self.baskets.counted.number
        state.forgotten_to = self.baskets.counted.forgotten_to

    def derive(self, step: StepContext, orders: Sequence[SampledOrder]) -> None:
        """Derive the rules over all partitions if they are due, and decide whether the next step derives them again.

        Partition 0 does it, with the orders that it keeps. They are due after ``rules.every`` more baskets, and at the
        end of the log if there were any.
        """
        state = self._state
        baskets = state.baskets + sum(other.baskets for other in step.others)
        counted = baskets + state.withdrawn_baskets + sum(other.withdrawn for other in step.others)
        if state.rules_due:
            self._update_replicas(step.read.counters)
            seen = self._learn()
            step.writes += self._rules.emit(self._counted(), self._buyers(orders), seen, step.now, step.changes)
            state.rules_baskets = counted
        fresh, every = counted - state.rules_baskets, self._settings.rules.every
        state.rules_due = fresh >= every or (step.end_of_log and fresh > 0)

    def _update_replicas(self, stored: Mapping[int, StoredCounters]) -> None:
        for partition, one in stored.items():
            empty = empty_counters(self._settings)
            self._replicas.setdefault(partition, CountersReplica(empty)).update(one, empty)

    def _counted(self) -> PartitionCounters:
        """Return the counters of the baskets of all partitions."""
        own = PartitionCounters(self.counters, self.items.names, self.items.ids)
        if not self._replicas:
            return own
        if self._pooled is None:
            self._pooled = PooledCounters(Decay(self._settings.itemsets.half_life), self._settings.itemsets.max_size)
        return self._pooled.update([own, *(replica.counted for replica in self._replicas.values())])

    def _buyers(self, orders: Sequence[SampledOrder]) -> Buyers:
        others = [(replica.orders, replica.items.names) for replica in self._replicas.values()]
        return Buyers.of([(orders, self.items.names), *others])

    def _learn(self) -> NextBaskets:
        """Judge the rules by the orders that came since they were derived, and return all that are kept."""
        parts: dict[int, tuple[Sequence[Transition], Sequence[str]]] = {
            number: (replica.transitions, replica.items.names) for number, replica in self._replicas.items()
        }
        parts[MODEL_PARTITION] = self.transitions.latest, self.items.names
        return self._rules.learn(parts)

    @property
    def emitted_rules(self) -> frozenset[str]:
        """The ids of the rules in force, as they were last emitted."""
        return self._rules.emitted

    def republish(self, rules: Collection[str], now: int, changes: Changes) -> Iterator[Write]:
        """Publish the present state of rules whose published state differs; ``now`` is the changes' time."""
        return self._rules.republish(rules, now, changes)
