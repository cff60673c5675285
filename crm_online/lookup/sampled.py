"""The sampled customers: who they are, their vectors and their traits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import Records
from crm_online.customers.traits import Traits
from crm_online.errors import StateCorrupt
from crm_online.lookup.partition import PartitionView
from crm_online.segments.model import Model
from crm_online.segments.sample import merged
from crm_online.traits.by_segment import SegmentTraits, traits_of


@dataclass(frozen=True, slots=True, eq=False)
class SampledCustomers:
    """The customers of the sample whose vectors the model in use has scored, in order of hash.

    Attributes
    ----------
    ids
        Their ids.
    vectors
        int16[n, d]: their vectors in vector units.
    nearest
        int64[n]: the segment of each, as an index in the model.
    traits
        Their traits.
    bought
        Their order lines by name of the item.
    records
        Their records.
    """

    ids: list[str]
    vectors: NDArray[np.int16]
    nearest: NDArray[np.int64]
    traits: list[Traits]
    bought: list[dict[str, int]]
    records: Records

    def by_segment(self, k: int) -> list[SegmentTraits]:
        """Return what sets the customers of each of k segments apart."""
        return traits_of(self.traits, self.bought, self.nearest, k)


def sampled(views: Sequence[PartitionView], model: Model, size: int) -> SampledCustomers:
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
    chosen = merged((view.sample for view in views), size)
    ids, traits, bought = list[str](), list[Traits](), list[dict[str, int]]()
    parts, indices = list[Records](), list[int]()
    for number, view in enumerate(views):
        here = [(index, name) for index, (partition, name) in enumerate(chosen) if partition == number]
        found = view.sampled([name for _, name in here])
        scored = found.records.scored_by(model.version) & (found.records.nearest < model.k)
        parts.append(found.records.take(scored))
        for row in np.flatnonzero(scored).tolist():
            index, name = here[row]
            one = found.traits[row]
            indices.append(index)
            ids.append(name)
            traits.append(one)
            if any(item >= len(found.items) for item in one.bought):
                raise StateCorrupt(f"what customer {name!r} of the sample bought cannot be read")
            bought.append({found.items[item]: lines for item, lines in one.bought.items()})
    order = np.argsort(indices)
    records = Records.concatenated(parts).take(order)
    return SampledCustomers(
        ids=[ids[row] for row in order.tolist()],
        vectors=records.vectors,
        nearest=records.nearest.astype(np.int64),
        traits=[traits[row] for row in order.tolist()],
        bought=[bought[row] for row in order.tolist()],
        records=records,
    )
