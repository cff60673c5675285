"""Who moved in a period, one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crm_online.answers.changes import ListedMove, Moves
from crm_online.digits import digits
from crm_online.live.feeds.period import Period
from crm_online.live.feeds.tally import BEHAVIOUR, TalliedMove, Tally
from crm_online.lookup.shop_history import ShopHistory

NONE: Final = "none"
"""Stands for no segment."""
EVERY: Final = sys.maxsize
"""A limit beyond all numbers of moves."""


@dataclass(frozen=True, slots=True)
class MoveFilter:
    """Which moves.

    Attributes
    ----------
    left, entered
        Only those from, or to, this segment; `NONE`: from none.
    reasons
        Only those for one of these reasons; where there are none, for any.
    latest
        Only the last one of each customer in the period, of those that customers made.
    """

    left: str | None = None
    entered: str | None = None
    reasons: frozenset[str] = frozenset()
    latest: bool = False

    def __call__(self, move: TalliedMove) -> bool:
        """Return whether a move matches."""
        return (
            (self.left is None or (move.left or NONE) == self.left)
            and (self.entered is None or (move.entered or NONE) == self.entered)
            and (not self.reasons or move.reason in self.reasons)
        )


def last_moves(moves: Iterable[TalliedMove]) -> list[TalliedMove]:
    """Return the last move of each customer, of those that customers made from one segment to another."""
    last = {one.customer: one for one in moves if one.left and one.entered and one.reason in BEHAVIOUR and one.customer}
    return [*last.values()]


def moves(tally: Tally, history: ShopHistory, period: Period, matching: MoveFilter, limit: int) -> Moves:
    """Return who moved in a period, the last first.

    Parameters
    ----------
    tally
        The changes that are kept.
    history
        The segments' names over time, and what customers used to spend.
    period
        The period.
    matching
        Which moves.
    limit
        How many at most.
    """
    every = tally.moves(period.begin, period.end)
    found = [one for one in (last_moves(every) if matching.latest else every) if one.customer and matching(one)]
    found.sort(key=lambda one: (one.time, one.customer), reverse=True)
    worth = [history.monthly(one.spending, one.idle_days) for one in found]
    kept = tally.complete_since
    return Moves(
        since=datetime.fromisoformat(period.begin),
        until=datetime.fromisoformat(period.end),
        kept_since=kept,
        total=len(found),
        customers=len({one.customer for one in found}),
        monthly=total_of(worth),
        moves=[
            ListedMove.model_validate(
                {
                    "customer_id": one.customer,
                    "from": one.left,
                    "to": one.entered,
                    "from_name": history.names.at(one.left, one.time),
                    "to_name": history.names.at(one.entered, one.time),
                    "reason": one.reason,
                    "time": one.time,
                    "event_type": one.event_type,
                    "idle_days": one.idle_days,
                    "monthly": None if value is None else digits(value),
                }
            )
            for one, value in zip(found[:limit], worth[:limit], strict=True)
        ],
    )


def total_of(worth: Iterable[float | None]) -> float | None:
    """Return what some customers used to spend a month together; ``None`` where nothing was."""
    total = sum(one for one in worth if one is not None)
    return round(total, 2) if total > 0 else None
