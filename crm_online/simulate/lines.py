"""Events as native JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from crm_online.events.columns import Kind
from crm_online.simulate.baskets import ITEMS, PRICES
from crm_online.simulate.days import CHANNELS, DayEvents
from crm_online.simulate.people import People
from crm_online.simulate.shop import ATTRIBUTES, BEGIN, SEGMENTS

_BEGIN = np.datetime64(BEGIN.replace(tzinfo=None), "ms")
_NAMES = [json.dumps(item) for item in ITEMS]
_REASONS = [[json.dumps(reason) for reason in segment.reasons] for segment in SEGMENTS]
_ONE_LINE = [
    [f'{{"item":{name},"quantity":{quantity},"price":{price:.2f}}}' for quantity in range(3)]
    for name, price in zip(_NAMES, PRICES.tolist(), strict=True)
]
"""By item and quantity, a line of a basket."""


class Writer:
    """Writes the events of one log.

    Parameters
    ----------
    people
        The customers.
    events
        Number of all events: ids are as wide as it needs.
    """

    def __init__(self, people: People, events: int) -> None:
        self._people = people
        self._customer_width, self._event_width = len(str(len(people))), len(str(events))
        self._attributes = [
            (json.dumps(name), [json.dumps(value) for value in values], people.attributes[name])
            for name, values in ATTRIBUTES.items()
        ]

    def customer_id(self, number: int) -> str:
        """Return the id of a customer."""
        return f"c{number + 1:0{self._customer_width}}"

    def lines(self, day: DayEvents) -> list[str]:
        """Return the events of a day, one line each, without line ends."""
        details = self._details(day)
        times = np.datetime_as_string(_BEGIN + (day.day * 86_400_000 + day.time)).tolist()
        width, wide = self._event_width, self._customer_width
        events = zip(day.kind.tolist(), day.customer.tolist(), times, strict=True)
        return [
            f'{{"event_id":"e{number:0{width}}","type":"{_TYPES[kind]}","customer_id":"c{customer + 1:0{wide}}",'
            f'"time":"{time}Z",{details[kind](row)}}}'
            for row, (number, (kind, customer, time)) in enumerate(enumerate(events, day.begin + 1))
        ]

    def _details(self, day: DayEvents) -> dict[int, Callable[[int], str]]:
        """Return what writes the rest of an event, by its kind."""
        start, items, quantities = (
            column.tolist() for column in (day.baskets.start, day.baskets.item, day.baskets.quantity)
        )
        line = [_ONE_LINE[item][quantity] for item, quantity in zip(items, quantities, strict=True)]
        purchases = np.cumsum(day.kind == Kind.PURCHASE).tolist()
        order, item, quantity = day.order.tolist(), day.item.tolist(), day.quantity.tolist()
        segment, score = day.segment.tolist(), day.score.tolist()
        channel, reason = day.channel.tolist(), day.reason.tolist()
        width = self._event_width

        def purchase(row: int) -> str:
            basket = purchases[row]
            lines = ",".join(line[start[basket - 1] : start[basket]])
            return f'"basket_id":"b{day.begin + row + 1:0{width}}","items":[{lines}]'

        def returned(row: int) -> str:
            return f'"basket_id":"b{order[row] + 1:0{width}}","items":[{_ONE_LINE[item[row]][quantity[row]]}]'

        def view(row: int) -> str:
            return f'"item":{_NAMES[item[row]]}'

        def feedback(row: int) -> str:
            return f'"score":{score[row]:.2f}'

        def contact(row: int) -> str:
            return f'"channel":"{CHANNELS[channel[row]]}","reason":{_REASONS[segment[row]][reason[row]]}'

        def profile(row: int) -> str:
            customer = int(day.customer[row])
            values = ",".join(f"{name}:{texts[codes[customer]]}" for name, texts, codes in self._attributes)
            return f'"attributes":{{{values}}}'

        return {
            Kind.PURCHASE: purchase,
            Kind.RETURN: returned,
            Kind.VIEW: view,
            Kind.FEEDBACK: feedback,
            Kind.CONTACT: contact,
            Kind.PROFILE: profile,
        }


_TYPES = {int(kind): kind.name.lower() for kind in Kind}
