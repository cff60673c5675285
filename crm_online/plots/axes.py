"""The two axes of the scatter: two features by name, or the two directions in which customers differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import ticker
from matplotlib.axis import Axis
from matplotlib.scale import FuncScale, LinearScale, ScaleBase
from numpy.typing import ArrayLike, NDArray

from crm_online.errors import InputError
from crm_online.hint import hint
from crm_online.plots.picture import SegmentPicture
from crm_online.plots.principal import PrincipalAxes
from crm_online.segments.vectors import Transform

_LEAST_GAP = 0.15
"""Least distance of two ticks, in inches."""

_LARGEST_POWER = 16
_LEAST_SHARE = -0.9999


class NumberFormatter(ticker.EngFormatter):
    """Numbers as people write them: 0.5, 20, 5k, 1.2M."""

    def __init__(self) -> None:
        super().__init__(sep="")
        self.ENG_PREFIXES = {0: "", 3: "k", 6: "M", 9: "G"}


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """One axis of the scatter.

    Attributes
    ----------
    label
        Its name.
    customers, centroids
        Where they lie on it, shapes (n,) and (k,): a feature's natural units, or (weighted) standard deviations.
    unit
        The feature's unit; ``None`` for an axis made of several features.
    knee
        Where the axis turns from a straight line into a logarithm; ``None``: nowhere.
    constant
        Whether it is a feature that is the same for all.
    """

    label: str
    customers: NDArray[np.float64]
    centroids: NDArray[np.float64]
    unit: str | None = None
    knee: float | None = None
    constant: bool = False

    def scale(self, side: Axis) -> ScaleBase:
        """Return matplotlib's scale, on which distances are those of the model."""
        if self.knee is None:
            return LinearScale(side)
        knee = self.knee

        def transformed(values: ArrayLike) -> NDArray[np.float64]:
            # matplotlib also asks for ticks that lie outside, below what has a logarithm.
            return np.log1p(np.maximum(np.asarray(values) / knee, _LEAST_SHARE))

        return FuncScale(side, (transformed, lambda places: np.expm1(np.asarray(places)) * knee))

    def set_ticks(self, side: Axis, inches: float) -> None:
        """Set ticks at round numbers on an axis of a length, in natural units for a feature, a share in per cent."""
        values = np.concatenate([self.customers, self.centroids, [0.0]])
        low, high = float(np.nanmin(values[:-1], initial=np.inf)), float(np.nanmax(values))
        if self.constant:
            side.set_major_locator(ticker.FixedLocator([high]))
        elif self.knee is not None and high > 10 * low:
            side.set_major_locator(_logarithmic(low, high, self.knee, inches))
        if self.unit is not None:
            share = ticker.FuncFormatter(lambda value, _: f"{100 * value:g} %")
            side.set_major_formatter(share if self.unit == "share" else NumberFormatter())


def _logarithmic(low: float, high: float, knee: float, inches: float) -> ticker.Locator:
    """Return ticks at 0 and powers of ten, with twos and fives between them, from where there is room for them."""
    decades = 10.0 ** np.arange(np.floor(np.log10(min(knee, high / 3))), _LARGEST_POWER)
    places = np.log1p(decades / knee)
    twos = np.minimum(places, np.log1p(2 * decades / knee) - places)
    room = _LEAST_GAP / inches * np.ptp(np.log1p([low / knee, high / knee]))
    subs, gaps = ([1, 2, 5], twos) if (twos >= room).any() else ([1], places)
    return ticker.SymmetricalLogLocator(base=10, linthresh=decades[gaps >= room][0], subs=subs)


def choose(picture: SegmentPicture, names: Sequence[str] | None) -> tuple[PlotAxis, PlotAxis]:
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
    across, up = (feature_axis(picture, name) for name in names)
    return across, up


def feature_axis(picture: SegmentPicture, name: str) -> PlotAxis:
    """Return the axis of a feature; see `choose`."""
    scale = picture.scale
    if name not in scale.names:
        raise InputError(f"no feature {name!r} in this model; {hint(name, scale.names)}")
    column = scale.names.index(name)
    unit = picture.units.get(name, "")
    constant = not scale.units()[column]
    return PlotAxis(
        label=name + (f" ({unit})" if unit and unit != name else "") + (", the same for all" if constant else ""),
        customers=scale.decode(picture.vectors.astype(np.float64))[:, column],
        centroids=scale.decode(picture.centroids)[:, column],
        unit=unit,
        knee=scale.knees[column] if scale.transforms[column] is Transform.LOG1P else None,
        constant=constant,
    )


def _principal(picture: SegmentPicture) -> tuple[PlotAxis, PlotAxis]:
    known = picture.vectors if len(picture.vectors) else picture.centroids[np.isfinite(picture.centroids).all(axis=1)]
    axes = PrincipalAxes.fit(known if len(known) else np.zeros((1, len(picture.scale.names))))
    customers, centroids = axes.project(picture.vectors), axes.project(picture.centroids)
    across, up = (
        PlotAxis(axes.label(number, picture.scale.names), customers[:, number], centroids[:, number])
        for number in range(2)
    )
    return across, up
