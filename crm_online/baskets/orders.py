"""The orders of a batch of events: which purchased lines belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.events.columns import EventColumns, Kind


@dataclass(frozen=True, slots=True)
class OrderItems:
    """The items of the orders of a batch, each item of an order once; all arrays have shape (m,), order by order.

    Attributes
    ----------
    order
        Number of the order in this batch, ascending: lines of one customer and basket id, or one event without such an
        id.
    item
        The partition's number of the item, ascending within an order.
    event
        The event of the item's first line.
    """

    order: NDArray[np.int64]
    item: NDArray[np.int64]
    event: NDArray[np.int64]

    @classmethod
    def of(cls, events: EventColumns, items: NDArray[np.int64]) -> Self:
        """Gather the purchases of a batch.

        Parameters
        ----------
        events
            The batch.
        items
            int64[m]: the partition's number of each line's item, -1 for an unknown product.
        """
        event = np.repeat(np.arange(len(events)), np.diff(events.line_start))
        bought = (events.kind[event] == Kind.PURCHASE) & (items >= 0)
        event, item = event[bought], items[bought]
        basket = events.basket[event].astype(np.int64)
        alone = basket < 0
        # An event without a basket id is an order of its own, whoever its customer is.
        first = np.where(alone, -1, events.customer[event].astype(np.int64))
        second = np.where(alone, event, basket)
        sorting = np.lexsort((event, item, second, first, alone))
        event, item = event[sorting], item[sorting]
        keys = np.stack([alone[sorting], first[sorting], second[sorting]])
        opens = np.ones(len(event), bool)
        opens[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        fresh = opens.copy()
        fresh[1:] |= item[1:] != item[:-1]
        order = np.cumsum(opens) - 1
        return cls(order[fresh], item[fresh], event[fresh])
