"""Customer relationships mined while they happen: segments, itemsets and rules, always right.

The same look-ups as on the command line, as pandas DataFrames::

    import crm_online

    crm_online.rules_frame()  # the rules of ./.crm-online, sorted by lift
    crm_online.segments_frame("redis://localhost")
    crm_online.customers_frame("./state")
    crm_online.hierarchy_frame("./state")  # how the segments join into a tree
    crm_online.changes_frame("./state")  # the last moves between segments

And the engine's online k-means by itself, as an estimator of `river <https://riverml.xyz>`_::

    model = StandardScaler() | crm_online.OnlineKMeans(n_clusters=4)

And its test for drift, of any series of numbers::

    detector = crm_online.DriftDetector()
    drifts = [place for place, value in enumerate(values) if detector.update(value).drift_detected]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from crm_online.drift.detector import DriftDetector
    from crm_online.lookup.moments import Moment
    from crm_online.segments.online_kmeans import OnlineKMeans

__version__ = "0.1.0"
__all__ = [
    "DriftDetector",
    "OnlineKMeans",
    "changes_frame",
    "customers_frame",
    "distances_frame",
    "hierarchy_frame",
    "linkage_matrix",
    "rules_frame",
    "segments_frame",
]

_STATE = "./.crm-online"


def __getattr__(name: str) -> object:
    """Import estimator and detector when they are asked for: they bring river, scikit-learn and numpy."""
    if name == "DriftDetector":
        from crm_online.drift.detector import DriftDetector

        return DriftDetector
    if name == "OnlineKMeans":
        from crm_online.segments.online_kmeans import OnlineKMeans

        return OnlineKMeans
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the names there are, with what has not been imported yet."""
    return sorted({*globals(), *__all__})


def rules_frame(
    state: str = _STATE, *, as_of: Moment | None = None, sort: str = "lift", segment: str | None = None
) -> pd.DataFrame:
    """Return the association rules in force, as in the article: a DataFrame sorted by lift.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    as_of
        Time at which counts are read: a date, datetime, pandas Timestamp, ISO 8601 text or ms since 1970 (UTC if
        it has no zone); the largest event time by default.
    sort
        ``lift``, ``confidence``, ``support`` (the largest first) or ``rank``.
    segment
        The rules of this segment: what its customers buy together more often than others, by the orders that are kept;
        with the support of all customers (``everybody``) and the number of different ``customers``.

    Raises
    ------
    StoreError
        If the state cannot be read, or there is none (``StateMissing``).
    InputError
        If there is no such way to sort, no such segment, or ``as_of`` is before the log or outside 1970 to 2105.
    """
    from crm_online.lookup import open_lookup
    from crm_online.lookup.moments import milliseconds

    with open_lookup(state) as lookup:
        return lookup.rules_frame(milliseconds(as_of), sort=sort, segment=segment)


def segments_frame(state: str = _STATE, *, as_of: Moment | None = None) -> pd.DataFrame:
    """Return the segments, one row each: id, name, size, description, centroid in natural units.

    Parameters and errors are those of :func:`rules_frame`.
    """
    from crm_online.lookup import open_lookup
    from crm_online.lookup.moments import milliseconds

    with open_lookup(state) as lookup:
        return lookup.segments_frame(milliseconds(as_of))


def customers_frame(state: str = _STATE, *, as_of: Moment | None = None) -> pd.DataFrame:
    """Return all customers, one row each: segment, totals, features at ``as_of``, scaled vector.

    Parameters and errors are those of :func:`rules_frame`.
    """
    from crm_online.lookup import open_lookup
    from crm_online.lookup.moments import milliseconds

    with open_lookup(state) as lookup:
        return lookup.customers_frame(milliseconds(as_of))


def hierarchy_frame(state: str = _STATE, *, linkage: str = "average", of: str = "segments") -> pd.DataFrame:
    """Return the steps in which segments, or sampled customers, join into a tree: one row each, the nearest first.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    linkage
        ``average`` (the article's d(C, X)), ``ward`` or ``complete``.
    of
        ``segments``, each weighing as many customers as it has, or ``customers``.

    Raises
    ------
    StoreError
        If the state cannot be read, there is none, or there are no segments yet (``StateMissing``).
    ValueError
        If there is no such linkage, or no such thing to join.
    """
    from crm_online.lookup import open_lookup
    from crm_online.segments.linkage import Leaves, Linkage

    with open_lookup(state) as lookup:
        return lookup.hierarchy_frame(Linkage(linkage), Leaves(of))


def distances_frame(state: str = _STATE, *, of: str = "segments") -> pd.DataFrame:
    """Return how far segments, or sampled customers, are from each other, in (weighted) standard deviations.

    Parameters and errors are those of :func:`hierarchy_frame`.
    """
    from crm_online.lookup import open_lookup
    from crm_online.segments.linkage import Leaves

    with open_lookup(state) as lookup:
        return lookup.distances_frame(Leaves(of))


def linkage_matrix(
    state: str = _STATE, *, linkage: str = "average", of: str = "segments"
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the tree as scipy's ``dendrogram`` and ``fcluster`` take it, and the ids of its leaves.

    Each row is a step: the two parts, their distance, and how many leaves the step joins. Parameters and errors are
    those of :func:`hierarchy_frame`. A cut into three groups of segments::

        matrix, ids = crm_online.linkage_matrix("./state")
        groups = dict(zip(ids, scipy.cluster.hierarchy.fcluster(matrix, 3, "maxclust")))
    """
    from crm_online.lookup import open_lookup
    from crm_online.segments.linkage import Leaves, Linkage

    with open_lookup(state) as lookup:
        return lookup.linkage_matrix(Linkage(linkage), Leaves(of))


def changes_frame(state: str = _STATE, *, topic: str = "segment-changes") -> pd.DataFrame:
    """Return the last changes that the state keeps (``changes.keep``), one row each, partition by partition in order.

    Parameters
    ----------
    state
        A folder, or the URL of a Redis.
    topic
        ``segment-changes``, ``segments``, ``rules``, ``drift`` or ``rejects``; the columns are the fields of its
        values.

    Raises
    ------
    StoreError
        If the state cannot be read, or there is none (``StateMissing``).
    ValueError
        If there is no such topic.
    """
    from crm_online.lookup.kept_changes import kept_changes
    from crm_online.step import Topic

    return kept_changes(state, Topic(topic))
