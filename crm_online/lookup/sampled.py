"""The sampled customers: who they are, where their vectors lie, what they need and say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import Records
from crm_online.customers.sample import merged
from crm_online.customers.traits import Traits
from crm_online.engine.engine import CUSTOMERS
from crm_online.lookup.partition import PartitionView
from crm_online.segments.model import Model
from crm_online.segments.traits import SegmentTraits, traits_of


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The customers of the sample whose vectors the model in use has scored, partition by partition.

    Attributes
    ----------
    ids
        Their ids.
    vectors
        int16[n, d]: their vectors in vector units.
    nearest
        int64[n]: the segment of each, as a place in the model.
    traits
        What they need and say.
    bought
        Their order lines by name of the item.
    """

    ids: list[str]
    vectors: NDArray[np.int16]
    nearest: NDArray[np.int64]
    traits: list[Traits]
    bought: list[dict[str, int]]

    def by_segment(self, k: int) -> list[SegmentTraits]:
        """Return what sets the customers of each of k segments apart."""
        return traits_of(self.traits, self.bought, self.nearest, k)


def sampled(views: Sequence[PartitionView], model: Model, size: int) -> Sampled:
    """Read the sample over all partitions.

    Parameters
    ----------
    views
        The partitions.
    model
        The version in use.
    size
        How many customers the sample holds at most.
    """
    chosen = merged((view.loaded.sample for view in views), size)
    ids: list[str] = []
    parts: list[Records] = []
    traits: list[Traits] = []
    bought: list[dict[str, int]] = []
    for number, view in enumerate(views):
        names = [customer for partition, customer in chosen if partition == number]
        raw = view.store.hash_get(CUSTOMERS, [name.encode() for name in names])
        records = view.codec.decode(raw)
        scored = records.scored_by(model.version) & (records.nearest < model.k)
        parts.append(records.take(scored))
        said, items = dict(view.loaded.said), dict(view.loaded.bought)
        for name in (name for name, known in zip(names, scored.tolist(), strict=True) if known):
            ids.append(name)
            one = Traits.of(said.get(name.encode()), items.get(name.encode()))
            traits.append(one)
            bought.append({view.item(item): lines for item, lines in one.bought.items()})
    return Sampled(
        ids=ids,
        vectors=np.concatenate([part.vectors for part in parts]),
        nearest=np.concatenate([part.nearest for part in parts]).astype(np.int64),
        traits=traits,
        bought=bought,
    )
