"""Numbers as they are published and compared: with a few significant digits."""

from __future__ import annotations


def digits(number: float, count: int = 6) -> float:
    """Return a number with a few significant digits: what a person or a feed can use.

    Examples
    --------
    >>> digits(12345.678), digits(2 / 3, 4)
    (12345.7, 0.6667)
    """
    return float(f"{number:.{count}g}")
