"""Marks on the axis of a feature, in its natural units."""

from __future__ import annotations

import numpy as np

from crm_online.segments.vectors import RESOLUTION, Scale, Transform

_STEPS = (1.0, 2.0, 5.0)
_POWERS = range(-4, 13)
_LETTERS = ((1e9, "G"), (1e6, "M"))


def ticks(scale: Scale, feature: int, low: float, high: float, gap: float, unit: str = "") -> list[tuple[float, str]]:
    """Return places on an axis and what is written there.

    Round numbers: for a ``log1p`` feature 0, powers of ten, then twos and fives between them.

    Parameters
    ----------
    scale
        Of the model's version.
    feature
        The feature's column.
    low, high
        The ends of the axis, in (weighted) standard deviations, as are the places.
    gap
        Least distance of two marks.
    unit
        The feature's unit; a share is told in per cent.

    Examples
    --------
    >>> raw = np.array([[0.0], [9.0], [99.0]])
    >>> scale = Scale.fit(raw, ["orders"], [Transform.LOG1P], [1.0])
    >>> [text for _, text in ticks(scale, 0, -1.3, 1.3, 0.2)]
    ['0', '1', '2', '5', '10', '20', '50', '100']
    """
    per_unit = scale.units()[feature] / RESOLUTION
    if not per_unit:
        return [(0.0, _written(_natural(scale, feature, 0.0), unit))]
    first, last = _natural(scale, feature, low), _natural(scale, feature, high)
    if scale.transforms[feature] is Transform.LOG1P:
        candidates = _logarithmic(last, scale.knees[feature])
    else:
        candidates = _even(first, last, gap / (high - low))
    found: dict[float, str] = {}
    for value in candidates:
        place = (_transformed(scale, feature, value) - scale.means[feature]) * per_unit
        if low <= place <= high and all(abs(place - other) >= gap for other in found):
            found[place] = _written(value, unit)
    return sorted(found.items())


def _logarithmic(largest: float, knee: float) -> list[float]:
    """Return round numbers, the roundest first, down to a tenth of the knee, below which all is near 0."""
    least = min(largest, knee) / 10
    powers = [10.0**power for power in reversed(_POWERS)]
    numbers = [0.0, *powers, *(step * power for step in _STEPS[1:] for power in powers)]
    return [number for number in numbers if not number or least <= number <= largest]


def _even(low: float, high: float, gap: float) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten, a share of the axis apart or more."""
    least = (high - low) * gap
    step = next(step * 10.0**power for power in _POWERS for step in _STEPS if step * 10.0**power >= 0.999 * least)
    return [step * number for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _natural(scale: Scale, feature: int, place: float) -> float:
    at = np.zeros(len(scale.names))
    at[feature] = place * RESOLUTION
    return float(scale.decode(at)[feature])


def _transformed(scale: Scale, feature: int, value: float) -> float:
    return float(np.log1p(value / scale.knees[feature])) if scale.transforms[feature] is Transform.LOG1P else value


def _written(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:g} %"
    for size, letter in _LETTERS:
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")
