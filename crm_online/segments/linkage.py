"""How far apart two groups of a tree are, and what its leaves are."""

from __future__ import annotations

from enum import StrEnum


class Linkage(StrEnum):
    """How far apart two groups of customers are.

    ``average`` is the source article's weighted average linkage, d(C, X) = Σ_i Σ_j w_ij d(x_i, x_j) over
    the segments i of C and j of X, where w_ij is the share of the pairs of customers, one from each group,
    that lie in segments i and j. ``ward`` is the root of twice what the join adds to the criterion
    J(C, U) (Ward 1963), ``complete`` the distance of the two that are furthest apart.
    """

    AVERAGE = "average"
    WARD = "ward"
    COMPLETE = "complete"


class Leaves(StrEnum):
    """What the leaves of a tree are: segments, each weighing as many customers as it has, or sampled customers."""

    SEGMENTS = "segments"
    CUSTOMERS = "customers"
