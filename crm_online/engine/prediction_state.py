"""Where examples and learning of a partition go on: a part of its small state."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LEAST_CUSTOMERS = 50
"""Customers in the state before anything is fitted."""
LEARN_EVERY = 9
"""Slots of event time between two versions, at most: a fifth of the horizon."""
_GROWTH = 3
"""While the log is young: a version whenever it has become a third older."""


class PredictionState(BaseModel):
    """Where examples and learning go on.

    Attributes
    ----------
    slot
        The last slot of event time whose examples were taken; ``None`` before the first event.
    first, sizes
        The number of the first block of labelled examples that is kept, counted from 0 over all that there were; and
        how many examples each block had.
    targets
        The users' own targets, in the order in which their outcomes came.
    due, learned_slot
        Whether the next step of partition 0 learns; the slot in which it last did.
    buying_due
        Whether it then fits the buy-till-you-die model too.
    """

    model_config = ConfigDict(extra="forbid")

    slot: int | None = None
    first: int = 0
    sizes: list[int] = Field(default_factory=list)
    targets: list[str] = Field(default_factory=list)
    due: bool = False
    buying_due: bool = False
    learned_slot: int | None = None

    @property
    def end(self) -> int:
        """The number of the next block of labelled examples."""
        return self.first + len(self.sizes)


def learning_is_due(
    state: PredictionState, slot: int, first_slot: int, customers: int, *, end_of_log: bool = False
) -> bool:
    """Return whether the next step of partition 0 learns.

    Parameters
    ----------
    state
        Where learning goes on.
    slot, first_slot
        The slot of event time, and that of the first event.
    customers
        How many there are over all partitions.
    end_of_log
        Whether this is the log's end, by which all that can be is learned.
    """
    if customers < LEAST_CUSTOMERS or slot == state.learned_slot:
        return False
    if state.learned_slot is None or end_of_log:
        return True
    return slot - state.learned_slot >= min(LEARN_EVERY, max((slot - first_slot) // _GROWTH, 1))
