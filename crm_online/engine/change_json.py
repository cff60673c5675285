"""The JSON of many changes, made by columns: the bytes of :func:`crm_online.engine.changes.to_json`, but faster."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring

import numpy as np
from numpy.typing import NDArray

from crm_online.digits import digits


def text(value: str | None) -> str:
    """Return the JSON of a text, or of nothing."""
    return "null" if value is None else encode_basestring(value)


def texts(value: Mapping[str, str]) -> str:
    """Return the JSON of an object of texts."""
    return "{" + ",".join(f"{text(name)}:{text(one)}" for name, one in value.items()) + "}"


def figure(number: float, count: int = 6) -> str:
    """Return the JSON of a number with a few significant digits, as of :func:`~crm_online.digits.digits`.

    Examples
    --------
    >>> figure(1 / 3), figure(12.0), figure(1234567.0), figure(0.00001), figure(float("nan"))
    ('0.333333', '12.0', '1234570.0', '1e-05', 'null')
    """
    short = f"{number:.{count}g}"
    if "e" not in short and "n" not in short:
        return short if "." in short else short + ".0"
    return repr(digits(number, count)) if math.isfinite(number) else "null"


def figures(names: Sequence[str], rows: NDArray[np.float64]) -> list[str]:
    """Return for each row of numbers, float64[n, d], the JSON of an object of them by name."""
    heads = [f"{text(name)}:" for name in names]
    return [
        "{" + ",".join([head + figure(number) for head, number in zip(heads, row, strict=True)]) + "}"
        for row in rows.tolist()
    ]


def figure_list(row: Sequence[float], count: int = 6) -> str:
    """Return the JSON of a list of numbers."""
    return "[" + ",".join([figure(number, count) for number in row]) + "]"
