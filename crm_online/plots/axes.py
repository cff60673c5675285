"""The two axes of the scatter: two features by name, or the two directions in which customers differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import InputError
from crm_online.hint import hint
from crm_online.plots.picture import SegmentPicture
from crm_online.plots.principal import PrincipalAxes
from crm_online.segments.vectors import RESOLUTION


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis, in (weighted) standard deviations.

    Attributes
    ----------
    label
        What it says.
    customers, centres
        Where they lie on it, shapes (n,) and (k,).
    feature
        The column of the feature that it is; ``None`` if it is made of several.
    """

    label: str
    customers: NDArray[np.float64]
    centres: NDArray[np.float64]
    feature: int | None = None


def choose(picture: SegmentPicture, names: Sequence[str] | None) -> tuple[Axis, Axis]:
    """Return the axes for two features, or the principal ones if none are named.

    Raises
    ------
    InputError
        If they are not two different features of the model.
    """
    if names is None:
        return _principal(picture)
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(
            f"a scatter has two axes, two different features: {', '.join(names) or 'none'} is something else"
        )
    across, up = (_feature(picture, name) for name in names)
    return across, up


def _feature(picture: SegmentPicture, name: str) -> Axis:
    features = picture.scale.names
    if name not in features:
        raise InputError(f"no feature {name!r} in this model; {hint(name, features)}")
    column = features.index(name)
    unit = picture.units.get(name, "")
    same = ", the same for all" if not picture.scale.units()[column] else ""
    return Axis(
        label=name + (f" ({unit})" if unit and unit != name else "") + same,
        customers=picture.vectors[:, column] / np.float64(RESOLUTION),
        centres=picture.centroids[:, column] / RESOLUTION,
        feature=column,
    )


def _principal(picture: SegmentPicture) -> tuple[Axis, Axis]:
    known = picture.vectors if len(picture.vectors) else picture.centroids[np.isfinite(picture.centroids).all(axis=1)]
    axes = PrincipalAxes.fit(known if len(known) else np.zeros((1, len(picture.scale.names))))
    customers, centres = axes.project(picture.vectors), axes.project(picture.centroids)
    across, up = (
        Axis(axes.label(number, picture.scale.names), customers[:, number], centres[:, number]) for number in range(2)
    )
    return across, up
