"""What a picture of the segments shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.hierarchy import Hierarchy
from crm_online.segments.vectors import Scale


@dataclass(frozen=True, slots=True)
class SegmentPicture:
    """The segments, and a sample of their customers.

    Attributes
    ----------
    segments
        The k segments as a look-up has them: ``id``, ``name``, ``size`` and ``description`` of each.
    centroids
        In vector units, shape (k, d).
    scale
        Of the model's version; it has the names of the d features.
    vectors
        The sampled customers, in vector units, shape (n, d); n may be 0.
    labels
        The segment's id of each sampled customer; whoever is in none of ``segments`` is not drawn.
    hierarchy
        The tree of the segments, if there is one.
    units
        The features' units, as far as they have any.
    traits
        What a segment's customers need and say: short phrases by segment id.
    as_of
        The time of the state, for the title.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the tree is of other segments.
    """

    segments: Sequence[Mapping[str, Any]]
    centroids: NDArray[np.float64]
    scale: Scale
    vectors: NDArray[np.int16] | NDArray[np.float64]
    labels: Sequence[str | None]
    hierarchy: Hierarchy | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    as_of: str = ""

    def __post_init__(self) -> None:
        features = len(self.scale.names)
        if self.centroids.shape != (len(self.segments), features):
            raise ValueError(f"centroids of shape {(len(self.segments), features)}, not {self.centroids.shape}")
        if self.vectors.shape != (len(self.labels), features):
            raise ValueError(f"vectors of shape {(len(self.labels), features)}, not {self.vectors.shape}")
        strangers = set(self.hierarchy["leaves"] if self.hierarchy else ()) - {
            segment["id"] for segment in self.segments
        }
        if strangers:
            raise ValueError(f"the tree has segments that are not among those given: {sorted(strangers)}")

    @property
    def customers(self) -> int:
        """Customers in all segments."""
        return sum(int(segment["size"]) for segment in self.segments)

    def by_size(self) -> list[int]:
        """Return the segments' indices, the largest first, equals by index."""
        return sorted(range(len(self.segments)), key=lambda number: -int(self.segments[number]["size"]))

    def segment_numbers(self) -> NDArray[np.int64]:
        """Return each sampled customer's index in ``segments``, -1 for whoever is in none of them."""
        numbers = {segment["id"]: number for number, segment in enumerate(self.segments)}
        return np.array([numbers.get(label, -1) for label in self.labels], dtype=np.int64)

    def share(self, number: int) -> str:
        """Return a segment's share of the customers."""
        return f"{100 * int(self.segments[number]['size']) / max(1, self.customers):.1f} %"

    def description(self, number: int) -> str:
        """Return what sets a segment apart, as a sentence."""
        description = self.segments[number]["description"]
        return str(description if isinstance(description, str) else description["text"])

    def trait_text(self, number: int) -> str:
        """Return what a segment's customers need and say, in one line; empty if nothing is known."""
        return "; ".join(self.traits.get(self.segments[number]["id"], ()))
