"""Rules of one segment: what its customers buy together more often than the others do, by the orders that are kept."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from crm_online.baskets.sampled import SampledOrder
from crm_online.decay import Decay
from crm_online.engine.rules import levels_of
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.itemsets.parts import PartitionCounters, merge
from crm_online.lookup.partition import PartitionView
from crm_online.rules.changes import in_force
from crm_online.rules.customers import Buyers
from crm_online.rules.emitted import RuleChange
from crm_online.rules.occurrences import Occurrences
from crm_online.settings import Settings

BEYOND_CHANCE = 2.0
"""Standard errors by which the segment's support must be above that of all other customers."""
_SIZE = 2

Kept = tuple[Sequence[SampledOrder], Sequence[str]]
"""Orders with their customers, and the names of their items by number."""


def kept_orders(view: PartitionView) -> Kept:
    """Return the orders that a partition keeps of its sampled customers: the latest of each, and others before."""
    before = [(one.customer, one.before) for one in view.transitions]
    last = [(customer, one.items) for customer, one in view.last_orders]
    return [SampledOrder(customer, 0, 0, items) for customer, items in (*before, *last)], view.counts.counted.names


def segment_rules(
    segment: str, members: Container[str], parts: Sequence[Kept], settings: Settings
) -> list[dict[str, Any]]:
    """Return the rules of one item on either side that hold for a segment's customers more than for others.

    Parameters
    ----------
    segment
        The segment's id.
    members
        Its sampled customers.
    parts
        The orders that the partitions keep.
    settings
        The settings in force: support, confidence, count and the number of different customers are those of all rules,
        but of the orders kept, each of which counts once.

    Returns
    -------
    list of dict
        As look-ups have rules, the best first: ``baskets`` are the orders kept of the segment, ``customers`` says how
        many of its customers have both sides in one of them, ``everybody`` is the support among the orders of all.
    """
    own = Buyers.of(([order for order in orders if order.customer in members], names) for orders, names in parts)
    numbers = dict(own.bought.numbers)
    counters = ItemsetCounters(0.0, Decay(None), _SIZE, settings.itemsets.max_bytes)
    counters.count(own.bought.orders)
    part, levels = PartitionCounters(counters, list(numbers), numbers), levels_of(settings)
    rules = in_force(merge([part], 0, levels.enter_support(part.baskets(0))), levels, own)
    every = Buyers.of(parts).bought
    values: list[dict[str, Any]] = []
    for rule in rules:
        together = _orders(every, rule.antecedent + rule.consequent)
        if _is_beyond_chance(rule, together, len(every.orders)):
            support = together / len(every.orders)
            own_figures = {"everybody": support, "customers": own.customers_of(rule.antecedent + rule.consequent)}
            value = rule.value() | {"rank": len(values) + 1, "segment": segment, "time": None, **own_figures}
            values.append({"change_id": None, **value})
    return values


def _orders(every: Occurrences, items: Sequence[str]) -> int:
    rows = every.rows(items, np.arange(len(items), dtype=np.int32)[np.newaxis])
    return int(np.bitwise_count(every.having(rows)).sum())


def _is_beyond_chance(rule: RuleChange, together: int, orders: int) -> bool:
    """Return whether the support is above that of the other customers, given how many of all orders have the items."""
    own, others, common = rule.baskets, orders - rule.baskets, together / orders
    if others < 1:
        return False
    error = np.sqrt(common * (1 - common) * (1 / own + 1 / others))
    return bool(rule.support - (together - rule.count) / others > BEYOND_CHANCE * error)
