"""The parameters of look-ups of rules, moves and feeds, and of changes to segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict

from crm_online.answers.customers import Reason
from crm_online.answers.rules import Sort
from crm_online.step import Kind


class RuleQuery(TypedDict, total=False):
    """Which rules, and in which order.

    Attributes
    ----------
    item
        Only rules with all of these items, each on either side.
    text
        Only rules with an item that has this text in its name.
    segment
        The rules of this segment: what its customers buy together more often than others.
    liked_by
        Only rules whose antecedent the customers of this segment buy more than others.
    min_support, min_confidence, min_lift
        Only rules whose measures are at least so large.
    sort
        ``rank``, the best first, or a measure, the largest first.
    limit
        Most rules of a page.
    """

    item: Sequence[str]
    text: str | None
    segment: str | None
    liked_by: str | None
    min_support: float
    min_confidence: float
    min_lift: float
    sort: Sort
    limit: int


class SegmentLabelChange(TypedDict, total=False):
    """What to give a segment by hand; what is left out stays, and None takes it away.

    Attributes
    ----------
    name
        Goes before the one that is made.
    note
        For whoever reads about the segment.
    colour
        As ``#rrggbb``.
    """

    name: str | None
    note: str | None
    colour: str | None


class MemberQuery(TypedDict, total=False):
    """Which customers of a segment, and in which order.

    Attributes
    ----------
    sort
        What they are sorted by: ``spend``, ``last_purchase`` or ``since``.
    descending
        Whether the largest, or latest, come first.
    min_spend
        Only who has spent so much.
    bought_since, bought_before
        Only whose last order is not before, or before, a time.
    limit
        How many at most.
    """

    sort: Literal["spend", "last_purchase", "since"]
    descending: bool
    min_spend: float
    bought_since: datetime
    bought_before: datetime
    limit: int


class MoveQuery(TypedDict, total=False):
    """Which moves.

    Attributes
    ----------
    since, until
        Of this period; without ``until``, up to the latest event.
    days
        Where there is no ``since``: of so many days, whole ones where there is no ``until`` either.
    left, entered
        Only from, or to, this segment; ``none``: from none.
    reason
        Only for one of these reasons.
    latest
        Only the last move of each customer in the period, of those for what they did.
    limit
        Most moves.
    """

    since: datetime
    until: datetime
    days: float
    left: str
    entered: str
    reason: Sequence[Reason]
    latest: bool
    limit: int


class RuleChangeQuery(TypedDict, total=False):
    """Which rules that changed.

    Attributes
    ----------
    since, until, days
        In which period, as for `MoveQuery`.
    change
        Only those that ``entered``, ``changed`` or ``left``.
    limit
        Most rules.
    """

    since: datetime
    until: datetime
    days: float
    change: Literal["entered", "changed", "left"]
    limit: int


class ChangeQuery(TypedDict, total=False):
    """Which changes.

    Attributes
    ----------
    kind
        Only these; without it all but ``reject``, which needs a key with the scope admin.
    segment
        Only what is about one of these segments.
    item
        Only rules with one of these items on either side. With both, what is about either.
    """

    kind: Sequence[Kind]
    segment: Sequence[str]
    item: Sequence[str]
