"""The segments over all partitions: their figures, their tree, their picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crm_online.customers import memory
from crm_online.customers.feature import Feature
from crm_online.digits import digits
from crm_online.engine.owner import SegmentValue, describe_segments
from crm_online.engine.peers import PartitionFigures, add_up, added_by_buying
from crm_online.errors import InputError
from crm_online.hint import hint
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.predictions import StatePredictor
from crm_online.lookup.sampled import SampledCustomers, sampled
from crm_online.lookup.segment_labels import SegmentLabel
from crm_online.lookup.segment_rules import kept_orders, segment_rules
from crm_online.plots import SegmentPicture
from crm_online.segments.buying import BuyerFigures
from crm_online.segments.frames import distances_frame, merges_frame
from crm_online.segments.hierarchy import MOST_CUSTOMERS, Hierarchy, distance_matrix, join, of_customers
from crm_online.segments.linkage import Leaves, Linkage
from crm_online.segments.model import Model
from crm_online.segments.sums import SegmentSums
from crm_online.settings import Settings
from crm_online.traits.by_segment import SegmentTraits
from crm_online.traits.phrases import in_brief

if TYPE_CHECKING:
    import pandas as pd

MOST_DISTANCES = 500
"""Most customers whose distances are in the JSON: it has their number squared; frames have all."""

_MONTH = memory.DAYS.index(30)


class Tree(Hierarchy, total=False):
    """A hierarchy with how far each of its leaves is from each, in standard deviations."""

    distances: list[list[float]]


@dataclass(frozen=True)
class Segmentation:
    """The segments of the model in use.

    Attributes
    ----------
    model
        The version in use.
    sums, by_buying
        Their sums over all partitions, and these by how often members have bought.
    complete
        Whether all customers have moved to that version.
    views
        The partitions.
    most
        How many customers the sample over all partitions has at most.
    """

    model: Model
    sums: SegmentSums
    by_buying: SegmentSums
    complete: bool
    views: Sequence[PartitionView]
    most: int

    @classmethod
    def of(cls, views: Sequence[PartitionView], most: int) -> Segmentation | None:
        """Return the segments, or ``None`` before the first model."""
        model = views[0].model
        parts: list[PartitionFigures] = [view.sums for view in views if view.sums]
        total, complete = add_up(parts, model.version) if model else (None, False)
        by_buying = added_by_buying(parts, model.version) if model else None
        return cls(model, total, by_buying, complete, views, most) if model and total and by_buying else None

    @property
    def features(self) -> dict[str, Feature]:
        """The features in use."""
        return self.views[0].reader.features

    def centroids(self) -> NDArray[np.float64]:
        """Return the present centroids in vector units, shape (k, d); the fitted ones until all have moved."""
        return self.model.current(self.sums.centroids()) if self.complete else self.model.centres()

    @cached_property
    def sample(self) -> SampledCustomers:
        """The sampled customers, read once."""
        return sampled(self.views, self.model, self.most)

    @cached_property
    def traits(self) -> list[SegmentTraits]:
        """The traits of the sampled customers of each segment."""
        return self.sample.by_segment(self.model.k)

    def values(self) -> list[SegmentValue]:
        """Return the segments as they are on the topic, but for the names that somebody gave them."""
        values = self._made_values()
        for value in values:
            value["name"] = self._label(value["id"]).name or value["name"]
        return values

    def _made_values(self) -> list[SegmentValue]:
        centroids = self.centroids()
        figures = BuyerFigures.of(self.by_buying, centroids, complete=self.complete)
        names = self.views[0].names
        values, _ = describe_segments(self.model, self.sums.W, centroids, figures, self.features, names)
        return values

    def _label(self, segment: str) -> SegmentLabel:
        return self.views[0].labels.get(segment, SegmentLabel())

    def names(self) -> dict[str, str]:
        """Return the segments' names by id."""
        return {one["id"]: one["name"] for one in self.values()}

    def described(self) -> list[dict[str, object]]:
        """Return the segments as look-ups have them, with the traits of their customers and what they will do."""
        return [
            {
                **segment,
                "name": self._label(segment["id"]).name or segment["name"],
                "made_name": segment["name"],
                "description": {**segment["description"], "traits": one},
                "note": self._label(segment["id"]).note,
                "colour": self._label(segment["id"]).colour,
                "named_by_hand": self._label(segment["id"]).name is not None,
                "spend_share": share,
                **predicted,
            }
            for segment, one, share, predicted in zip(
                self._made_values(), self.traits, self.spend_shares(), self.predicted(), strict=True
            )
        ]

    def spend_shares(self) -> list[float | None]:
        """Return which share of what the sampled customers spent lately is each segment's; ``None`` where nothing was.

        Old money counts less, by a half-life of 30 days.
        """
        records, as_of = self.sample.records, max(view.state.watermark or 0 for view in self.views)
        lately = memory.read(records, np.full(len(records), as_of))[:, _MONTH, memory.SPEND]
        sums = np.bincount(self.sample.nearest, np.maximum(lately, 0.0), self.model.k)
        total = float(sums.sum())
        return [digits(one / total) for one in sums.tolist()] if total > 0 else [None] * self.model.k

    def predicted(self) -> list[Mapping[str, float | None]]:
        """Return the mean chance of a purchase and the mean expected value of each segment's sampled customers."""
        view, as_of = self.views[0], max(view.state.watermark or 0 for view in self.views)
        predictor = StatePredictor.read(view.store, view.settings)
        if predictor is None:
            return [dict.fromkeys(("purchase", "expected_value"))] * self.model.k
        return [*predictor.means(self.sample.records, self.sample.nearest, self.model.k, as_of)]

    def rules(self, segment: str, settings: Settings) -> list[dict[str, Any]]:
        """Return the rules of a segment; raises ``InputError`` where there is none of this id."""
        if segment not in self.model.ids:
            raise InputError(f"no segment {segment!r}; {hint(segment, self.model.ids)}")
        number = self.model.ids.index(segment)
        every = zip(self.sample.ids, self.sample.nearest.tolist(), strict=True)
        members = {name for name, nearest in every if nearest == number}
        return segment_rules(segment, members, [kept_orders(view) for view in self.views], settings)

    def hierarchy(self, method: Linkage, of: Leaves) -> Hierarchy:
        """Return the tree of the segments, or of the sampled customers."""
        if of is Leaves.CUSTOMERS:
            return of_customers(*self._customers(), method)
        return join(self.model.ids, self.centroids(), self.sums.W, method)

    def tree(self, method: Linkage, of: Leaves) -> Tree:
        """Return the tree as JSON has it: with the distances, if they are few enough."""
        found = self.hierarchy(method, of)
        tree = Tree(linkage=found["linkage"], leaves=found["leaves"], method=found["method"])
        if len(found["leaves"]) <= MOST_DISTANCES:
            apart = distance_matrix(self._leaves(found["leaves"], of))
            tree["distances"] = [list(map(digits, row)) for row in apart.tolist()]
        return tree

    def merges_frame(self, method: Linkage, of: Leaves) -> pd.DataFrame:
        """Return the steps of the tree, see :func:`crm_online.segments.frames.merges_frame`."""
        return merges_frame(self.hierarchy(method, of), self.names() if of is Leaves.SEGMENTS else {})

    def distances_frame(self, of: Leaves) -> pd.DataFrame:
        """Return the distances, see :func:`crm_online.segments.frames.distances_frame`."""
        if of is Leaves.CUSTOMERS:
            return distances_frame(*self._customers())
        return distances_frame(self.model.ids, self.centroids())

    def picture(self, method: Linkage, as_of: str) -> SegmentPicture:
        """Return what a picture of the segments shows.

        Parameters
        ----------
        method
            Of the tree.
        as_of
            The time of the state, as people read it.
        """
        return SegmentPicture(
            segments=self.described(),
            centroids=self.centroids(),
            scale=self.model.scale,
            vectors=self.sample.vectors[:MOST_CUSTOMERS],
            labels=[self.model.ids[row] for row in self.sample.nearest[:MOST_CUSTOMERS].tolist()],
            hierarchy=self.hierarchy(method, Leaves.SEGMENTS),
            units={name: feature.unit for name, feature in self.features.items()},
            traits={segment: in_brief(one) for segment, one in zip(self.model.ids, self.traits, strict=True)},
            as_of=as_of,
        )

    def _customers(self) -> tuple[list[str], NDArray[np.int16]]:
        """Return ids and vectors of as many sampled customers as a tree can have."""
        return self.sample.ids[:MOST_CUSTOMERS], self.sample.vectors[:MOST_CUSTOMERS]

    def _leaves(self, leaves: Sequence[str], of: Leaves) -> NDArray[np.int16] | NDArray[np.float64]:
        if of is Leaves.CUSTOMERS:
            return self._customers()[1]
        return self.centroids()[[self.model.ids.index(leaf) for leaf in leaves]]
