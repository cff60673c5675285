"""Hysteresis: which segment a customer is reported in, given the one that is nearest.

The model always uses the nearest centre. What is reported follows it only when the customer is nearer to
it by a margin, and has been in the reported segment for a minimum dwell (for more than twice as long before
it goes back to where it was); otherwise customers near a border would move to and fro.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_online.segments.sums import ABSENT

DIED = -2
"""Reported label of a customer whose reported segment did not survive a refit."""


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """How much it takes for a customer to be reported in another segment.

    Attributes
    ----------
    min_margin
        Share, 0 to 1, by which another segment must be nearer.
    min_dwell
        Milliseconds that a customer stays reported in a segment at least; more than twice as long before going back
        to the segment just left: not just twice, so that none is back there within two dwells (ADR 4).
    """

    min_margin: float
    min_dwell: int


@dataclass(frozen=True, slots=True, eq=False)
class ReportedSegments:
    """In which segments n customers are reported so far.

    Attributes
    ----------
    labels
        The segment, shape (n,): ``ABSENT`` before the first, ``DIED`` if a refit ended it.
    left
        The segment that the customer left for it, shape (n,); ``ABSENT`` where there was none.
    since
        Since when the customer is reported in it, in ms, shape (n,).
    """

    labels: NDArray[np.int64]
    left: NDArray[np.int64]
    since: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """What is reported of n customers, given their nearest segments.

    Attributes
    ----------
    labels
        The segment reported now, shape (n,).
    since
        Since when, in ms, shape (n,).
    changed
        Whether the reported segment differs from before, shape (n,).
    orphaned
        Whether it changed because the old one died (reason ``refit``), shape (n,).
    margins
        By what share the nearest centre is nearer than the reported one's, 0 to 1, shape (n,);
        NaN where there was no living reported segment to compare with.
    """

    labels: NDArray[np.int64]
    since: NDArray[np.int64]
    changed: NDArray[np.bool_]
    orphaned: NDArray[np.bool_]
    margins: NDArray[np.float64]


def is_nearer_by(to_one: NDArray[np.float64], to_other: NDArray[np.float64], min_margin: float) -> NDArray[np.bool_]:
    """Return whether the distances to one centre are less than those to another by more than a share of the latter."""
    nearer: NDArray[np.bool_] = to_one < (1 - min_margin) * to_other
    return nearer


def report(
    nearest: NDArray[np.int64],
    to_nearest: NDArray[np.float64],
    to_reported: NDArray[np.float64],
    before: ReportedSegments,
    now: NDArray[np.int64],
    hysteresis: Hysteresis,
) -> Reports:
    """Decide which segments are reported.

    Parameters
    ----------
    nearest
        The nearest segment of each customer, shape (n,), as all that follow.
    to_nearest, to_reported
        Distances to the nearest centre and to the reported segment's; the latter does not matter
        where there is none.
    before
        What is reported so far.
    now
        The time of scoring, in ms.
    hysteresis
        When another segment is reported.

    Examples
    --------
    >>> reports = report(
    ...     np.array([1, 1, 1]), np.array([8.0, 9.5, 8.0]), np.array([10.0, 10.0, 10.0]),
    ...     ReportedSegments(np.array([0, 0, ABSENT]), np.full(3, ABSENT), np.array([0, 0, 0])),
    ...     np.array([1000, 1000, 1000]), Hysteresis(min_margin=0.1, min_dwell=500),
    ... )
    >>> reports.labels.tolist(), reports.since.tolist(), reports.margins.round(3).tolist()
    ([1, 0, 1], [1000, 0, 1000], [0.2, 0.05, nan])
    """
    reported, since, dwell = before.labels, before.since, hysteresis.min_dwell
    living = reported >= 0
    apart = living & (to_reported > 0)
    margins = np.where(living, 0.0, np.nan)
    np.divide(to_reported - to_nearest, to_reported, out=margins, where=apart)
    far_enough = apart & (is_nearer_by(to_nearest, to_reported, hysteresis.min_margin))
    dwelt = np.where(nearest == before.left, now - since > 2 * dwell, now - since >= dwell)
    moves = living & (nearest != reported) & far_enough & dwelt
    orphaned = reported == DIED
    changed = moves | orphaned | (reported == ABSENT)
    return Reports(
        labels=np.where(changed, nearest, reported),
        since=np.where(changed, now, since),
        changed=changed,
        orphaned=orphaned,
        margins=margins,
    )
