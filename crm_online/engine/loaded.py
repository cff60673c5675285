"""What the store holds of a partition when it is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Pairs = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bytes of a partition's state, key by key; all empty for a new one.

    Attributes
    ----------
    partition_state, model
        The small state, and the model in use.
    sums
        The sums of its segments, for the other partitions.
    observed
        What its steps have shown so far, for partition 0.
    open_baskets, counted_baskets, sampled_orders, transitions, last_orders, catalogue, sample, traits, bought,
    rules, segments, drift
        Hashes: baskets that are open, and that were counted last; some of the latest orders; orders of sampled
        customers with the next of each, and the last order of each; what the shop says of its items; the sample, the
        traits of its customers and what they bought; rules and segments as they were last emitted; the series that are
        tested for drift.
    suppressed, pending, daily
        Hashes: who was erased, and when; examples whose outcome is not known yet; what the shop did day by day.
    rule_learning, predictor
        What ranks rules; what predicts, in partition 0 only.
    sizes, names, items, counters, journal, drifts
        Lists: the segments' sizes and names over time, items by number, the checkpoint of the counters, the
        baskets counted since, and the last drifts.
    sampling_key, salt
        What the hashes depend on by which customers and orders are sampled; and those of customers who were erased.
    """

    partition_state: bytes | None = None
    model: bytes | None = None
    sums: bytes | None = None
    rule_learning: bytes | None = None
    predictor: bytes | None = None
    observed: bytes | None = None
    open_baskets: Pairs = ()
    counted_baskets: Pairs = ()
    sampled_orders: Pairs = ()
    transitions: Pairs = ()
    last_orders: Pairs = ()
    catalogue: Pairs = ()
    sample: Pairs = ()
    traits: Pairs = ()
    bought: Pairs = ()
    rules: Pairs = ()
    segments: Pairs = ()
    sizes: Sequence[bytes] = field(default_factory=list)
    names: Sequence[bytes] = field(default_factory=list)
    suppressed: Pairs = ()
    pending: Pairs = ()
    daily: Pairs = ()
    drift: Pairs = ()
    items: Sequence[bytes] = field(default_factory=list)
    counters: Sequence[bytes] = field(default_factory=list)
    journal: Sequence[bytes] = field(default_factory=list)
    sampling_key: str = ""
    salt: str = ""
    drifts: Sequence[bytes] = field(default_factory=list)
