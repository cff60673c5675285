"""Some customers as they were read, and what their features, segments and distances are computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import Records
from crm_online.engine.peers import PartitionFigures, add_up
from crm_online.engine.scoring import FeatureReader
from crm_online.lookup.predictions import StatePredictor
from crm_online.segments.kmeans import distances
from crm_online.segments.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class ScoringContext:
    """What the features of customers and their distances to the centroids are computed with.

    Attributes
    ----------
    reader
        Reads their features.
    as_of
        The time at which features are read, in ms.
    model
        The model in use; ``None`` before the first.
    centroids
        Its present centroids over all partitions, in vector units, shape (k, d); ``None`` without a model.
    predictor
        What predicts; ``None`` before the first version.
    """

    reader: FeatureReader
    as_of: int
    model: Model | None
    centroids: NDArray[np.float64] | None
    predictor: StatePredictor | None = None

    @classmethod
    def of(
        cls,
        reader: FeatureReader,
        as_of: int,
        model: Model | None,
        sums: Sequence[PartitionFigures],
        predictor: StatePredictor | None = None,
    ) -> ScoringContext:
        """Return the context that the sums of all partitions give."""
        total, complete = add_up(sums, model.version) if model else (None, False)
        if model is None or total is None:
            return cls(reader, as_of, None, None, predictor)
        centroids = model.current(total.centroids()) if complete else model.centres()
        return cls(reader, as_of, model, centroids, predictor)


@dataclass(frozen=True, slots=True, eq=False)
class CustomerBatch:
    """Some customers, each partition's as of one commit.

    Attributes
    ----------
    names, records, segments
        The ids of those who are known, in the order asked for; their records; the segments that they are reported to
        be in.
    partitions
        The partitions that have each of them: one, unless producers disagree on keys; the record is of the first.
    context
        What their features and distances are computed with.
    """

    names: list[str]
    records: Records
    segments: list[str | None]
    partitions: list[list[int]]
    context: ScoringContext

    def features(self) -> NDArray[np.float64]:
        """Return their features, shape (n, d)."""
        return self.context.reader.read(self.records, self.context.as_of)

    def predictions(self) -> list[dict[str, Any] | None]:
        """Return what is predicted of each, as JSON has it; ``None`` of whom nothing is."""
        predictor = self.context.predictor
        return predictor.values(self.records, self.context.as_of) if predictor else [None] * len(self.names)

    def distances(self) -> tuple[list[str], NDArray[np.float64], list[bool]]:
        """Return the ids of the segments, how far customers are from each, shape (n, k), and whom the model has scored.

        For others the distances mean nothing; without a model there are no segments.
        """
        model, centroids = self.context.model, self.context.centroids
        if model is None or centroids is None:
            return [], np.empty((len(self.names), 0)), [False] * len(self.names)
        scored: list[bool] = self.records.scored_by(model.version).tolist()
        return list(model.ids), distances(self.records.vectors, centroids), scored
