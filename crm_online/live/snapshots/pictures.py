"""The picture of the segments: sampled customers and centroids on two axes that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.lookup.segments import Segmentation
from crm_online.plots.principal import PrincipalAxes
from crm_online.segments.hierarchy import MOST_CUSTOMERS

MOST = 1500
"""Customers in the picture: those of the sample with the smallest hashes, so they stay the same."""
_AXES = 2
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and the axes that the next one is aligned with; ``None`` before the first model.

    Attributes
    ----------
    value
        As ``answers.segments.Picture`` has it.
    axes
        Its axes.
    """

    value: dict[str, object]
    axes: PrincipalAxes | None


def draw(found: Segmentation | None, as_of: str, before: PrincipalAxes | None) -> Drawn:
    """Draw the segments.

    Parameters
    ----------
    found
        The segments, if there are any.
    as_of
        The time of the state.
    before
        The axes of the last picture: none of these is turned round.
    """
    if found is None:
        return Drawn({"as_of": as_of, "model_version": 0, "axes": [], "centroids": [], "customers": []}, None)
    sample, model, centroids = found.sample, found.model, found.centroids()
    vectors = sample.vectors[:MOST_CUSTOMERS]
    axes = aligned(PrincipalAxes.fit(vectors if len(vectors) else centroids, _AXES), before)
    segments = [model.ids[row] for row in sample.nearest[:MOST].tolist()]
    value: dict[str, object] = {
        "as_of": as_of,
        "model_version": model.version,
        "axes": [_axis(axes, number, model.scale.names) for number in range(_AXES)],
        "centroids": _points(list(model.ids), list(model.ids), axes.project(centroids)),
        "customers": _points(sample.ids[:MOST], segments, axes.project(sample.vectors[:MOST])),
    }
    return Drawn(value, axes)


def aligned(axes: PrincipalAxes, before: PrincipalAxes | None) -> PrincipalAxes:
    """Turn each axis so that it points where it pointed before.

    Examples
    --------
    >>> one = PrincipalAxes(np.zeros(2), np.array([[0.8, 0.6]]), (1.0,))
    >>> other = PrincipalAxes(np.zeros(2), np.array([[-0.6, -0.8]]), (1.0,))
    >>> aligned(other, one).directions.tolist()
    [[0.6, 0.8]]
    """
    if before is None or before.directions.shape != axes.directions.shape:
        return axes
    turned = np.where((axes.directions * before.directions).sum(axis=1) < 0, -1.0, 1.0)
    return PrincipalAxes(axes.middle, axes.directions * turned[:, None] + 0.0, axes.explained)


def _axis(axes: PrincipalAxes, number: int, names: tuple[str, ...]) -> dict[str, object]:
    loadings = axes.directions[number].round(_DIGITS).tolist()
    return {
        "name": axes.label(number, names),
        "loadings": dict(zip(names, loadings, strict=True)),
        "explained": axes.explained[number],
    }


def _points(ids: list[str], segments: list[str], places: NDArray[np.float64]) -> list[dict[str, object]]:
    found = places.round(_DIGITS).tolist()
    return [
        {"id": name, "segment": segment, "x": x, "y": y}
        for name, segment, (x, y) in zip(ids, segments, found, strict=True)
    ]
