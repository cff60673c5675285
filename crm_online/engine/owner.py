"""The segments as partition 0, the owner, emits them: when they changed, and under which names."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.digits import digits
from crm_online.engine.changes import Changes, to_json
from crm_online.engine.step_context import StepContext
from crm_online.segments.buying import BuyerFigures
from crm_online.segments.describe import DescriptionValue, describe
from crm_online.segments.model import Model
from crm_online.segments.naming import SegmentName
from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import RESOLUTION
from crm_online.step import Append, Put, Remove, Shorten, Topic, Write

SEGMENTS = "segments"
NAMES = "names"
"""Names of segments over time: a list, the oldest first, of ``[time in ms, id, name]``."""
_MOST_NAMES = 1000
_SIZE_TOLERANCE = 0.05
_CENTROID_TOLERANCE = 0.05
_NO_VERSION = 0
"""Version of a segment in the table that must be emitted again: models begin at 1."""


class SegmentValue(TypedDict):
    """A segment as topics and look-ups have it; the centroid is in natural units."""

    id: str
    name: str
    size: int
    centroid: dict[str, float]
    description: DescriptionValue


def describe_segments(
    model: Model,
    sizes: NDArray[np.int64],
    centroids: NDArray[np.float64],
    figures: BuyerFigures,
    features: Mapping[str, Feature],
    names: Mapping[str, SegmentName],
) -> tuple[list[SegmentValue], list[SegmentName]]:
    """Return the segments as topics and look-ups have them, and what their names claim.

    Parameters
    ----------
    model
        The version in use.
    sizes
        int64[k]: number of customers.
    centroids
        float64[k, d], in vector units.
    figures
        What they are made of: who never bought, bought once, and again.
    features
        The features in use, by name.
    names
        The names that segments have, by id.
    """
    units = {name: feature.unit for name, feature in features.items()}
    words = {name: feature.words for name, feature in features.items() if feature.words}
    texts = describe(model.scale, model.ids, figures, words, units, names)
    natural = model.scale.decode(centroids)
    values = [
        SegmentValue(
            id=segment,
            name=texts[row]["name"],
            size=int(sizes[row]),
            centroid=dict(zip(model.scale.names, map(digits, natural[row].tolist()), strict=True)),
            description=texts[row]["description"],
        )
        for row, segment in enumerate(model.ids)
    ]
    return values, [SegmentName(one["name"], one["claims"]) for one in texts]


@dataclass(slots=True)
class SegmentEmitter:
    """The segments as they were last emitted; emits those that changed.

    A segment is emitted again when its size changed by more than 5 %, or its centroid moved by more
    than 0.05 standard deviations.
    """

    emitted: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: int = 0

    def load(self, raw: Iterator[tuple[bytes, bytes]], named: int = 0) -> None:
        """Load what was last emitted from the store, and how many names are kept there."""
        self.named = named
        self.emitted = {key.decode(): json.loads(value) for key, value in sorted(raw)}

    def emit(
        self,
        model: Model,
        sums: SegmentSums,
        by_buying: SegmentSums,
        features: Mapping[str, Feature],
        step: StepContext,
    ) -> Iterator[Write]:
        """Emit the segments that changed since they were last emitted, and those that ceased to exist."""
        changes, before = step.changes, self.names()
        gone = sorted(self.emitted.keys() - set(model.ids))
        for segment in gone:
            del self.emitted[segment]
            changes.emit(Topic.SEGMENTS, segment, {"id": segment, "model_version": model.version}, tombstone=True)
        if gone:
            yield Remove(SEGMENTS, [segment.encode() for segment in gone])
        centroids = model.current(sums.centroids())
        fresh = [row for row in range(model.k) if self._differs(model, row, int(sums.W[row]), centroids[row])]
        if not fresh:
            return
        shares = sums.shares()
        figures = BuyerFigures.of(by_buying, centroids)
        # The others are not emitted now: theirs stay as consumers have them.
        emitted = [model.ids[row] for row in fresh]
        kept = {one: replace(name, fixed=one not in emitted) for one, name in self.names().items()}
        values, names = describe_segments(model, sums.W, centroids, figures, features, kept)
        put = {}
        for row in fresh:
            segment = model.ids[row]
            value = {**values[row], "J_share": digits(float(shares[row])), "model_version": model.version}
            changes.emit(Topic.SEGMENTS, segment, value)
            self.emitted[segment] = {
                "size": int(sums.W[row]),
                "centroid": centroids[row].round(3).tolist(),
                "version": model.version,
                "name": names[row].text,
                "claims": names[row].to_json(),
            }
            put[segment.encode()] = to_json(self.emitted[segment])
        yield Put(SEGMENTS, put)
        now = [(segment, name.text) for segment, name in self.names().items()]
        yield from self._name(step.now, [one for one in now if one[0] not in before or before[one[0]].text != one[1]])

    def names(self) -> dict[str, SegmentName]:
        """Return the segments' names as they were last emitted, by id."""
        return {
            one: SegmentName.stored(str(last["name"]), last["claims"])
            for one, last in self.emitted.items()
            if "name" in last
        }

    def republish(self, published: Collection[str], version: int, changes: Changes) -> Iterator[Write]:
        """Emit tombstones of published segments that do not exist; the next step emits the others.

        They stay in the table until then: if the next step fits a model without them, it emits that they are gone.
        """
        present = [segment for segment in sorted(published) if segment in self.emitted]
        for segment in sorted(set(published) - set(present)):
            changes.emit(Topic.SEGMENTS, segment, {"id": segment, "model_version": version}, tombstone=True)
        for segment in present:
            self.emitted[segment] = {**self.emitted[segment], "version": _NO_VERSION}
        if present:
            yield Put(SEGMENTS, {segment.encode(): to_json(self.emitted[segment]) for segment in present})

    def _name(self, now: int, names: Sequence[tuple[str, str]]) -> Iterator[Write]:
        """Keep the names that segments have from now on."""
        if names:
            yield Append(NAMES, [to_json([now, *one]) for one in names])
            self.named += len(names)
            if self.named > _MOST_NAMES:
                yield Shorten(NAMES, self.named - _MOST_NAMES)
                self.named = _MOST_NAMES

    def _differs(self, model: Model, row: int, size: int, centroid: NDArray[np.float64]) -> bool:
        last = self.emitted.get(model.ids[row])
        if last is None or last["version"] != model.version:
            return True
        before = float(str(last["size"]))
        if abs(size - before) > _SIZE_TOLERANCE * max(before, 1.0):
            return True
        moved = np.abs(centroid - np.array(last["centroid"], np.float64)).max(initial=0.0)
        return bool(moved > _CENTROID_TOLERANCE * RESOLUTION)
