"""How many segments there are, or are worth describing: judged by what repeats, and by what they explain.

Source: Tibshirani and Walther, Cluster validation by prediction strength, J. Comput. Graph. Stat. 14 (2005). Chosen
among others by what it found in planted and real customers, see ADR 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.kmeans import fit, inertia, nearest

CANDIDATES = range(2, 13)
"""Numbers of segments that ``auto`` chooses from."""

STRONG = 0.9
"""Prediction strength from which on segments are kinds of customers: of the 0.8 to 0.9 of Tibshirani and Walther."""

PERFECT = 0.99
"""Prediction strength from which on two are kinds: any two halves of customers who differ by degrees repeat well."""

EXPLAINED_ENOUGH = 0.7
"""Share of what customers vary by that segments are to explain where there are no more than two kinds."""

SLACK = 0.05, 0.05
"""By how much either may be missed or beaten by another number before the number in force is given up."""

CHECKS = 2
"""In how many checks, one after the other, it must be so."""

MOST = 1000
"""Most customers that are judged: the cost is bounded by it."""

FEWEST = 20
"""Customers that are judged for each segment, at least: where halves have a few each, any grouping repeats."""

_SPLITS = 4
_STARTS = 4


@dataclass(frozen=True, slots=True)
class Score:
    """How one number of segments does.

    Attributes
    ----------
    k
        The number.
    strength
        Prediction strength: half of the customers are grouped, and the other half by itself; of the pairs that are
        together in the worst of the latter's segments, the share that the former's centres put together too.
    explained
        1 - J / J of one segment.
    """

    k: int
    strength: float
    explained: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A number of segments, and why.

    Attributes
    ----------
    k
        The number.
    method
        ``prediction strength`` or ``explained variance``.
    reason
        In a sentence.
    scores
        Of all candidates.
    """

    k: int
    method: str
    reason: str
    scores: tuple[Score, ...]

    def to_json(self) -> dict[str, object]:
        """Return the choice as look-ups have it."""
        scores = [{"k": one.k, "prediction_strength": one.strength, "explained": one.explained} for one in self.scores]
        return {"k": self.k, "method": self.method, "reason": self.reason, "scores": scores}

    @classmethod
    def of(cls, scores: Sequence[Score]) -> Self:
        """Choose a number.

        The largest number of segments that repeat, if that is 3 or more; two, if they repeat without fail. Otherwise
        customers differ by degrees, any number is a cut, and the smallest that explains enough is taken; the smallest
        of all where none does.
        """
        by = {score.k: score for score in scores}
        k, repeats = _chosen(scores, STRONG, EXPLAINED_ENOUGH)
        if not by:
            return cls(1, "explained variance", "all customers are alike", ())
        if repeats:
            method = "prediction strength"
            reason = (
                f"the largest number of segments that repeat in either half of the customers ({by[k].strength:.2f})"
            )
        else:
            method = "explained variance"
            enough = f"the fewest that explain {100 * EXPLAINED_ENOUGH:.0f} % of what customers differ by"
            if by[k].explained < EXPLAINED_ENOUGH:
                enough = f"none explains {100 * EXPLAINED_ENOUGH:.0f} % of what customers differ by, so few are told"
            reason = f"customers differ by degrees, no more than two kinds repeat; {enough} ({by[k].explained:.2f})"
        return cls(k, method, reason, tuple(scores))


def score_candidates(sample: NDArray[np.int16], candidates: Sequence[int] = CANDIDATES) -> list[Score]:
    """Return how candidates do, as far as the sample has so many distinct points.

    Parameters
    ----------
    sample
        Vectors, shape (n, d); at most ``MOST`` of them, evenly spaced, are used.
    candidates
        Numbers to judge, each at least 2, ascending.
    """
    judged = sample[np.linspace(0, len(sample) - 1, min(len(sample), MOST)).astype(np.int64)]
    total = inertia(judged, judged.mean(axis=0, keepdims=True)) if len(judged) else 0.0
    found: list[Score] = []
    for k in candidates:
        centres = fit(judged, k, starts=_STARTS) if len(judged) >= FEWEST * k else np.zeros((0, judged.shape[1]))
        if len(centres) < k or not total:
            break
        strength = float(np.mean([_strength(judged, k, split) for split in range(_SPLITS)]))
        found.append(Score(k, round(strength, 6), round(1 - inertia(judged, centres) / total, 6)))
    return found


def still_chosen(scores: Sequence[Score], k: int) -> bool:
    """Return whether a number in force would still be chosen, if a little less or more were required."""
    strong, enough_explained = SLACK
    return any(
        _chosen(scores, STRONG + one * strong, EXPLAINED_ENOUGH + other * enough_explained)[0] == k
        for one in (-1, -0.5, 0, 0.5, 1)
        for other in (-1, -0.5, 0, 0.5, 1)
    )


def _chosen(scores: Sequence[Score], strong: float, enough_explained: float) -> tuple[int, bool]:
    """Return a number, and whether so many segments repeat."""
    # One more repeats nearly as well where it only cuts a part off; so what repeats best sets the bar.
    best = max((score.strength for score in scores if score.k > 2), default=0.0)
    bar = max(strong, best - (1 - strong) / 2)
    repeating = [score.k for score in scores if score.k > 2 and score.strength >= bar]
    if repeating:
        return repeating[-1], True
    if any(score.k == 2 and score.strength >= PERFECT for score in scores):
        return 2, True
    most = max((score.explained for score in scores), default=0.0)
    bar = min(enough_explained, most) if most >= EXPLAINED_ENOUGH else enough_explained
    enough = [score.k for score in scores if score.explained >= bar]
    return (enough or [score.k for score in scores] or [1])[0], False


def _strength(sample: NDArray[np.int16], k: int, split: int) -> float:
    """Return the prediction strength of ``k`` segments in one split of the sample."""
    order = np.random.default_rng(split).permutation(len(sample))
    one, other = sample[order[: len(order) // 2]], sample[order[len(order) // 2 :]]
    centres, other_centres = fit(one, k, starts=_STARTS, seed=split), fit(other, k, starts=_STARTS, seed=split)
    predicted, labels = nearest(other, centres)[0], nearest(other, other_centres)[0]
    together = np.zeros((len(other_centres), len(centres)), np.int64)
    np.add.at(together, (labels, predicted), 1)
    sizes = together.sum(axis=1)
    pairs = np.maximum(sizes * (sizes - 1), 1)
    # A segment of one has no pair that could be torn apart.
    return float(np.where(sizes > 1, (together * (together - 1)).sum(axis=1) / pairs, 1.0).min())
