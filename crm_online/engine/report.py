"""How an engine does: what it has counted, and how good its model is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelReport:
    """How the model does over all partitions.

    Attributes
    ----------
    J
        The criterion J(C, U), in squared standard deviations.
    version
        The version of the model.
    sizes
        Customers of each segment, by its id.
    """

    J: float
    version: int
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EngineReport:
    """How one partition does, as of its last step.

    Attributes
    ----------
    accepted, rejected, duplicates, baskets, doubtful_baskets, segment_changes, rule_changes
        Counts since the state is there; see :class:`~crm_online.engine.state.PartitionState`.
    customers
        How many customers it has.
    watermark
        The largest event time of the log so far, in ms; ``None`` before the first event.
    epsilon
        The error that supports may have, and below which itemsets may be missing.
    model
        Of the owner of the model, how that does; ``None`` of other partitions, and before its first step.
    """

    accepted: int
    rejected: int
    duplicates: int
    baskets: int
    doubtful_baskets: int
    segment_changes: int
    rule_changes: int
    customers: int
    watermark: int | None
    epsilon: float
    model: ModelReport | None
