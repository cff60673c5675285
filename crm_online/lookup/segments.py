"""The segments over all partitions: their figures, their tree, their picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.engine.changes import digits
from crm_online.engine.owner import described
from crm_online.engine.peers import PartitionSums, added
from crm_online.lookup.partition import PartitionView
from crm_online.lookup.sampled import Sampled, sampled
from crm_online.plots import SegmentPicture
from crm_online.segments.frames import distances_frame, merges_frame
from crm_online.segments.hierarchy import MOST_CUSTOMERS, Hierarchy, distance_matrix, join, of_customers
from crm_online.segments.joining import Linkage, Of
from crm_online.segments.model import Model
from crm_online.segments.phrases import in_brief
from crm_online.segments.sums import SegmentSums

MOST_TOLD = 500
"""Most customers whose distances are told as JSON: it has their number squared; frames have all."""


class Tree(Hierarchy, total=False):
    """A hierarchy with how far each of its leaves is from each, in standard deviations."""

    distances: list[list[float]]


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of the model in use.

    Attributes
    ----------
    model
        The version in use.
    sums
        Their sums over all partitions.
    complete
        Whether all customers have moved to that version.
    views
        The partitions.
    """

    model: Model
    sums: SegmentSums
    complete: bool
    views: Sequence[PartitionView]

    @classmethod
    def of(cls, views: Sequence[PartitionView]) -> Segments | None:
        """Return the segments, or ``None`` before the first model."""
        model = views[0].model
        parts: list[PartitionSums] = [view.sums for view in views if view.sums]
        total, complete = added(parts, model.version) if model else (None, False)
        return cls(model, total, complete, views) if model and total else None

    @property
    def features(self) -> dict[str, Feature]:
        """The features in use."""
        return self.views[0].reader.features

    def centroids(self) -> NDArray[np.float64]:
        """Return the present centroids in vector units, shape (k, d); the fitted ones until all have moved."""
        return self.model.current(self.sums.centroids()) if self.complete else self.model.centres()

    def sampled(self, most: int) -> Sampled:
        """Return the sampled customers, at most so many."""
        return sampled(self.views, self.model, most)

    def described(self, sample: Sampled) -> list[dict[str, object]]:
        """Return the segments as look-ups tell them, with what their customers need and say."""
        told = described(self.model, self.sums.W, self.centroids(), self.sums.everybody(), self.features)
        traits = sample.by_segment(self.model.k)
        return [
            {**segment, "description": {**segment["description"], "traits": one}}
            for segment, one in zip(told, traits, strict=True)
        ]

    def hierarchy(self, method: Linkage, of: Of) -> Hierarchy:
        """Return the tree of the segments, or of the sampled customers."""
        if of is Of.CUSTOMERS:
            sample = self.sampled(MOST_CUSTOMERS)
            return of_customers(sample.ids, sample.vectors, method)
        return join(self.model.ids, self.centroids(), self.sums.W, method)

    def tree(self, method: Linkage, of: Of) -> Tree:
        """Return the tree as JSON has it: with the distances, if they are few enough."""
        found = self.hierarchy(method, of)
        tree = Tree(linkage=found["linkage"], leaves=found["leaves"], method=found["method"])
        if len(found["leaves"]) <= MOST_TOLD:
            apart = distance_matrix(self._leaves(found["leaves"], of))
            tree["distances"] = [list(map(digits, row)) for row in apart.tolist()]
        return tree

    def merges_frame(self, method: Linkage, of: Of) -> pd.DataFrame:
        """Return the steps of the tree, see :func:`crm_online.segments.frames.merges_frame`."""
        named = self.described(self.sampled(0)) if of is Of.SEGMENTS else []
        return merges_frame(self.hierarchy(method, of), {str(one["id"]): str(one["name"]) for one in named})

    def distances_frame(self, of: Of) -> pd.DataFrame:
        """Return the distances, see :func:`crm_online.segments.frames.distances_frame`."""
        if of is Of.CUSTOMERS:
            sample = self.sampled(MOST_CUSTOMERS)
            return distances_frame(sample.ids, sample.vectors)
        return distances_frame(self.model.ids, self.centroids())

    def picture(self, told: Sequence[dict[str, object]], method: Linkage, as_of: str) -> SegmentPicture:
        """Return what a picture of the segments shows.

        Parameters
        ----------
        told
            What :meth:`described` returned.
        method
            Of the tree.
        as_of
            The time of the state, as people read it.
        """
        sample = self.sampled(MOST_CUSTOMERS)
        return SegmentPicture(
            segments=told,
            centroids=self.centroids(),
            scale=self.model.scale,
            vectors=sample.vectors,
            labels=[self.model.ids[row] for row in sample.nearest.tolist()],
            hierarchy=self.hierarchy(method, Of.SEGMENTS),
            units={name: feature.unit for name, feature in self.features.items()},
            traits=_phrases(sample, self.model),
            as_of=as_of,
        )

    def _leaves(self, leaves: Sequence[str], of: Of) -> NDArray[np.int16] | NDArray[np.float64]:
        if of is Of.CUSTOMERS:
            return self.sampled(MOST_CUSTOMERS).vectors
        return self.centroids()[[self.model.ids.index(leaf) for leaf in leaves]]


def _phrases(sample: Sampled, model: Model) -> dict[str, list[str]]:
    return {segment: in_brief(traits) for segment, traits in zip(model.ids, sample.by_segment(model.k), strict=True)}
