"""Customers who were idle for longer than they are kept: found by passes over the roster, a block a step."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns
from crm_online.events.models import Erase

SOURCE = "retention"
"""What the ids of the erasures begin with that are made here."""
_PASSES = 32
"""Passes over the roster within the time that customers are kept: who leaves was idle for 1/32 longer at most."""


class RetentionState(BaseModel):
    """Where the passes over the roster are.

    Attributes
    ----------
    longest
        For how long idle customers were kept when these passes went over the roster, in ms; ``None``: for good.
    pass_begin
        Event time at which the last pass began, in ms; ``None``: none did.
    cursor
        Place in the roster where the pass under way goes on; ``None``: none is.
    expired
        Customers who are erased with the next step, unless it has events of theirs.
    """

    model_config = ConfigDict(extra="forbid")

    longest: int | None = None
    pass_begin: int | None = Field(default=None, alias="begun")
    cursor: int | None = None
    expired: list[str] = Field(default_factory=list)


class Retention:
    """Lets customers of one partition leave who were idle for too long, in event time.

    A step looks at a block of the roster, and the next one erases whom it found.

    Parameters
    ----------
    longest
        For how long idle customers are kept, in ms; ``None``: for good.
    block
        Customers that a step looks at, at most.
    state
        Where the passes are, changed in place. Of passes with another ``longest`` nothing is kept: whom they found may
        have come back since, or may stay.
    """

    def __init__(self, longest: int | None, block: int, state: RetentionState) -> None:
        self._longest, self._block, self._state = longest, block, state
        if state.longest != longest:
            state.longest, state.pass_begin, state.cursor, state.expired = longest, None, None, []

    def is_idle(self, watermark: int | None) -> bool:
        """Return whether nothing is left to do until time goes on."""
        return self._longest is None or not (self._state.expired or self.planned(watermark))

    def planned(self, watermark: int | None) -> tuple[int, int] | None:
        """Return first and last index of the block of the roster that the next step looks at; ``None`` for none."""
        cursor = self._state.cursor
        if cursor is None and self._is_due(watermark):
            cursor = 0
        return None if cursor is None or self._longest is None else (cursor, cursor + self._block - 1)

    def leaving(self, present: Collection[str]) -> list[str]:
        """Return who leaves with a step: those who were found, but for who is present in its events."""
        if self._longest is None or not self._state.expired:
            return []
        here = set(present)
        return [name for name in self._state.expired if name not in here]

    def erasures(self, names: Sequence[str], now: int) -> EventColumns:
        """Return the erasures of those who leave, at an event time in ms."""
        events = [Erase.model_construct(type="erase", event_id=None, customer_id=name, time=now) for name in names]
        return from_events(events, range(len(names)), SOURCE)

    def observe(
        self, planned: tuple[int, int] | None, block: Sequence[str], idle_since: NDArray[np.int64], now: int
    ) -> None:
        """Note whom a step has found.

        Parameters
        ----------
        planned
            What was planned for the step.
        block
            The block of the roster; an erased customer is an empty text.
        idle_since
            int64[n]: time of the last event of each customer of the block, in ms; ``now`` for who is gone.
        now
            The watermark, in ms.
        """
        if self._longest is None:
            return
        state = self._state
        state.expired = []
        if planned is None:
            return
        first, last = planned
        if first == 0:
            state.pass_begin = now
        state.expired = list(
            dict.fromkeys(
                name
                for name, since in zip(block, idle_since.tolist(), strict=True)
                if name and since < now - self._longest
            )
        )
        state.cursor = first + len(block) if len(block) == last - first + 1 else None

    def _is_due(self, watermark: int | None) -> bool:
        if self._longest is None or watermark is None:
            return False
        last = self._state.pass_begin
        return last is None or watermark - last >= max(self._longest // _PASSES, 1)
