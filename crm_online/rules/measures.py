"""Measures of rules X ⇒ Y, whole arrays of rules at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEASURES = ("support", "confidence", "lift", "article_gain", "mutual_information", "leverage", "conviction")
"""Their names, in the order of the feed."""


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of n rules; each array has shape (n,).

    Attributes
    ----------
    support
        P(X + Y): share of baskets that have all items of both sides.
    confidence
        P(X + Y) / P(X).
    lift
        confidence / P(Y): how many times as often as if X and Y were independent.
    article_gain
        confidence · log2(confidence): what the source article calls information gain; from -0.53 to 0.
    mutual_information
        Mutual information of "has X" and "has Y", in bits, from the 2 × 2 table of baskets; see Cover and Thomas,
        Elements of Information Theory, 2.3.
    leverage
        P(X + Y) - P(X) P(Y); Piatetsky-Shapiro 1991.
    conviction
        (1 - P(Y)) / (1 - confidence), infinite where the confidence is 1; Brin et al., SIGMOD 1997.
    """

    support: NDArray[np.float64]
    confidence: NDArray[np.float64]
    lift: NDArray[np.float64]
    article_gain: NDArray[np.float64]
    mutual_information: NDArray[np.float64]
    leverage: NDArray[np.float64]
    conviction: NDArray[np.float64]


def measure(
    both: NDArray[np.float64], antecedent: NDArray[np.float64], consequent: NDArray[np.float64], baskets: float
) -> Measures:
    """Return the measures of rules.

    Parameters
    ----------
    both, antecedent, consequent
        Weights of X + Y, of X and of Y, all positive; shape (n,).
    baskets
        Weight of all baskets.

    Examples
    --------
    >>> one = measure(np.array([4.0]), np.array([5.0]), np.array([6.0]), 10.0)
    >>> [round(float(x[0]), 4) for x in (one.support, one.confidence, one.lift, one.leverage, one.conviction)]
    [0.4, 0.8, 1.3333, 0.1, 2.0]
    """
    support = both / baskets
    confidence = both / antecedent
    without = 1 - confidence
    unlike = 1 - consequent / baskets
    certain = without <= 0
    conviction = np.where(certain, np.inf, unlike / np.where(certain, 1.0, without))
    return Measures(
        support,
        confidence,
        confidence / (consequent / baskets),
        confidence * np.log2(confidence),
        mutual_information(both, antecedent, consequent, baskets),
        support - (antecedent / baskets) * (consequent / baskets),
        conviction,
    )


def mutual_information(
    both: NDArray[np.float64], antecedent: NDArray[np.float64], consequent: NDArray[np.float64], baskets: float
) -> NDArray[np.float64]:
    """Return the mutual information of "has X" and "has Y" in bits.

    Examples
    --------
    >>> half = np.array([50.0])
    >>> mutual_information(half, half, half, 100.0).tolist(), mutual_information(half / 2, half, half, 100.0).tolist()
    ([1.0], [0.0])
    """
    has_x, has_y = antecedent / baskets, consequent / baskets
    total = np.zeros(len(both))
    # Counts are lower bounds, so a cell of a bounded table can come out a little below 0.
    for cell, x, y in (
        (both, has_x, has_y),
        (antecedent - both, has_x, 1 - has_y),
        (consequent - both, 1 - has_x, has_y),
        (baskets - antecedent - consequent + both, 1 - has_x, 1 - has_y),
    ):
        share = cell / baskets
        there = (share > 0) & (x > 0) & (y > 0)
        total[there] += share[there] * np.log2(share[there] / (x[there] * y[there]))
    return np.maximum(total, 0.0)
