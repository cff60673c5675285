"""A simulated log and its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from crm_online.simulate.days import draw
from crm_online.simulate.lines import Writer
from crm_online.simulate.people import People, settle
from crm_online.simulate.shop import DAYS, USUAL_SHIFT, Shift
from crm_online.simulate.truth import as_text, truth_of

LEAST_CUSTOMERS = 300
"""Below this no model of segments is fitted (``segments.min_customers``)."""

LEAST_EACH = 2
"""Events of each customer, at least: a profile and a first turn."""

MOST_CUSTOMERS, MOST_EVENTS = 10_000_000, 1_000_000_000
"""Customers and one day of events are held in memory."""

GREATEST_SEED = 2**64 - 1

EACH = 25
"""Events of each customer on the average, unless given."""

_PEOPLE, _EVENTS = 0, 1


def simulate(
    customers: int = 2000,
    events: int | None = None,
    seed: int = 0,
    *,
    browsers: bool = False,
    shift: Shift = USUAL_SHIFT,
) -> Simulation:
    """Return a year of a shop in which segments, rules, lapses and a shift of behaviour are planted.

    The same numbers give the same log, byte for byte (as long as numpy's generators stay as they are). Its
    segments are found under the default settings from about 15,000 events and 15 events a customer on; in less, the
    engine takes too few steps to follow.

    Parameters
    ----------
    customers
        From 300 to 10 million.
    events
        At least two for each customer, at most a billion; 25 for each if not given.
    seed
        Of all that is drawn, from 0 to 2**64 - 1.
    browsers
        Whether half of the customers never buy: where others of their segment would, they look at an item. The
        planted segments are then not what is found.
    shift
        When behaviour changes, and how much of it.

    Raises
    ------
    ValueError
        If a number is too small or too large.

    Examples
    --------
    >>> shop = simulate(customers=300, events=600, seed=1)
    >>> sum(1 for line in shop.lines()), shop.truth["segments"][0]["name"]
    (600, 'champions')
    """
    if customers < LEAST_CUSTOMERS:
        raise ValueError(f"a shop needs at least {LEAST_CUSTOMERS} customers, not {customers}")
    if customers > MOST_CUSTOMERS:
        raise ValueError(f"a shop has at most {MOST_CUSTOMERS:,} customers")
    events = EACH * customers if events is None else events
    if events < LEAST_EACH * customers:
        raise ValueError(f"{customers} customers make at least {LEAST_EACH * customers} events, not {events}")
    if events > MOST_EVENTS:
        raise ValueError(f"a log has at most {MOST_EVENTS:,} events")
    if not 0 <= shift.day <= DAYS:
        raise ValueError(f"a year has the days 0 to {DAYS - 1}, not {shift.day}")
    if not 0 <= seed <= GREATEST_SEED:
        raise ValueError(f"a seed is a whole number from 0 to {GREATEST_SEED}, not {seed}")
    return Simulation(customers, events, seed, browsers, shift)


@dataclass(frozen=True)
class Simulation:
    """A log and its truth; nothing is kept of the log, it is drawn anew each time.

    Attributes
    ----------
    customers, events, seed, browsers, shift
        What it is made from.
    """

    customers: int
    events: int
    seed: int
    browsers: bool = False
    shift: Shift = USUAL_SHIFT

    @cached_property
    def people(self) -> People:
        """The customers."""
        rng = np.random.default_rng((self.seed, _PEOPLE))
        return settle(self.customers, rng, browsers=self.browsers, shift=self.shift)

    @cached_property
    def truth(self) -> dict[str, Any]:
        """What is planted, see :func:`crm_online.simulate.truth.truth_of`."""
        writer = Writer(self.people, self.events)
        ids = [writer.customer_id(number) for number in range(self.customers)]
        return truth_of(self.people, ids, self.events, self.seed)

    def days(self) -> Iterator[list[str]]:
        """Yield the events of each day as native JSON, one line each without its end, in order of time."""
        writer = Writer(self.people, self.events)
        for day in draw(self.people, self.events, np.random.default_rng((self.seed, _EVENTS))):
            yield writer.lines(day)

    def lines(self) -> Iterator[str]:
        """Yield all events as native JSON, one line each without its end, in order of time."""
        for day in self.days():
            yield from day

    def write(self, log: Path, truth: Path | None = None) -> Path:
        """Write the log and its truth; return the truth's path.

        Parameters
        ----------
        log
            The log's file.
        truth
            The truth's file; the log's name with ``.truth.json`` if not given.
        """
        path = log.with_suffix(".truth.json") if truth is None else truth
        self.write_truth(path)
        with log.open("w", encoding="utf-8", newline="\n") as file:
            for day in self.days():
                file.write(text_of(day))
        return path

    def write_truth(self, path: Path) -> None:
        """Write the truth as JSON."""
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(as_text(self.truth))


def text_of(lines: list[str]) -> str:
    r"""Return lines as one text; each has its end.

    Examples
    --------
    >>> text_of(["a", "b"]), text_of([])
    ('a\nb\n', '')
    """
    return "".join([f"{line}\n" for line in lines])
