"""Memory of several lengths: decayed sums of orders and spend by several half-lives, for predictions.

The sums of a record by ``features.half_life`` are what segments are made of. What a customer will do next needs shorter
and longer ones beside each other: whether somebody buys less than they used to is the ratio of two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.records import MEMORY_LENGTHS, Records
from crm_online.decay import Decay

DAYS = (10, 30, 60, 120)
"""The half-lives, in days."""
DECAYS = tuple(Decay(days * 86_400_000) for days in DAYS)
ORDERS, SPEND = 0, 1
"""Columns of the last axis of a memory."""
assert len(DAYS) == MEMORY_LENGTHS


def shift(
    memory: NDArray[np.float64], rows: NDArray[np.int64], before: NDArray[np.int64], after: NDArray[np.int64]
) -> None:
    """Take sums to the landmarks of later last events, in place.

    Parameters
    ----------
    memory
        float64[n, h, 2]: orders and spend by half-life, each relative to the landmark of the customer's last event.
    rows
        int64[m]: whose, each once.
    before, after
        int64[m]: times of their last event so far and from now on, in ms.
    """
    for length, decay in enumerate(DECAYS):
        old, new = decay.landmark(before), decay.landmark(after)
        moved = old != new
        if moved.any():
            memory[rows[moved], length] *= decay.shift(old[moved], new[moved])[:, np.newaxis]


def add(
    memory: NDArray[np.float64],
    rows: NDArray[np.int64],
    time: NDArray[np.int64],
    last_event: NDArray[np.int64],
    amounts: NDArray[np.float64],
) -> None:
    """Add orders and spend, in place.

    Parameters
    ----------
    memory
        As for :func:`shift`.
    rows, time
        int64[m]: whose they are, and when, in ms.
    last_event
        int64[n]: time of each customer's last event, in ms.
    amounts
        float64[m, 2]: orders and spend; negative to take back what was added.
    """
    some = np.flatnonzero(amounts.any(axis=1))
    if not len(some):
        return
    rows, time, amounts = rows[some], time[some], amounts[some]
    n = len(memory)
    for length, decay in enumerate(DECAYS):
        weight = decay.weight(time, decay.landmark(last_event[rows]))
        for column in (ORDERS, SPEND):
            memory[:, length, column] += np.bincount(rows, amounts[:, column] * weight, n)


def read(records: Records, as_of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return orders and spend by half-life as of some times, float64[n, h, 2].

    Parameters
    ----------
    records
        The customers.
    as_of
        int64[n]: times in ms.
    """
    last = np.maximum(records.last_event, 0)
    remains = np.stack([decay.reading(as_of, decay.landmark(last)) for decay in DECAYS], axis=1)
    return records.memory * remains[:, :, np.newaxis]
