"""A log in two: what was before its last month, to learn from, and the baskets of that month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from crm_online.events.columns import Kind
from crm_online.events.log import LogReader
from crm_online.events.options import LogOptions
from crm_online.events.source import open_source

_SEED = 6
_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Basket:
    """A whole basket: whose it is, if that is known, when its last line was (ms since 1970), and its items."""

    customer: str | None
    time: int
    items: list[str]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A basket of which one item is hidden."""

    customer: str | None
    rest: list[str]
    item: str


@dataclass(frozen=True, slots=True)
class Split:
    """A log in two.

    Attributes
    ----------
    before
        File of the lines before the month.
    learned
        Its baskets.
    hidden
        The baskets of the month with two items or more, one of them hidden.
    of_one
        How many baskets of the month have one item only: there is nothing to hide beside the rest.
    """

    before: Path
    learned: list[Basket]
    hidden: list[Hidden]
    of_one: int

    @property
    def alone(self) -> list[Hidden]:
        """The hidden items of known customers without the rest of their baskets."""
        return [Hidden(one.customer, [], one.item) for one in self.hidden if one.customer is not None]


def split(path: Path, options: LogOptions, column: str, folder: Path, months_back: int = 0) -> Split:
    """Cut a log at midnight one month before its last event.

    Parameters
    ----------
    path, options, column
        A Parquet file, how it is read, and its column of times.
    folder
        Where the parts are written.
    months_back
        How many whole months of its end are left out: 1 gives the month before the last one, to choose models on.
    """
    table = pd.read_parquet(path)
    times = pd.to_datetime(table[column])
    end = times.max() - pd.DateOffset(months=months_back)
    begin = (end - pd.DateOffset(months=1)).normalize()
    before, month = folder / "before.parquet", folder / "month.parquet"
    table[times < begin].to_parquet(before, index=False)
    table[(times >= begin) & (times <= end)].to_parquet(month, index=False)
    baskets = list(baskets_of(month, options))
    return Split(before, list(baskets_of(before, options)), hide(baskets), sum(len(one.items) == 1 for one in baskets))


def baskets_of(path: Path, options: LogOptions) -> Iterator[Basket]:
    """Give the baskets of a log, in order of their first lines; lines of one customer and basket id are one."""
    items: dict[tuple[str | None, str], set[str]] = {}
    times: dict[tuple[str | None, str], int] = {}
    for chunk in LogReader(path, open_source(path, []), options, size=_ROWS).chunks():
        events = chunk.events
        for row in np.flatnonzero(events.kind == Kind.PURCHASE).tolist():
            customer = events.customers[events.customer[row]] if events.customer[row] >= 0 else None
            key = customer, events.baskets[events.basket[row]]
            codes = events.item[events.line_start[row] : events.line_start[row + 1]].tolist()
            items.setdefault(key, set()).update(events.items[code] for code in codes if code >= 0)
            times[key] = int(events.time[row])
    return (Basket(key[0], times[key], sorted(found)) for key, found in items.items() if found)


def hide(baskets: Sequence[Basket]) -> list[Hidden]:
    """Hide one item of each basket that has two or more; which one is drawn with a fixed seed."""
    draw = np.random.default_rng(_SEED)
    hidden = []
    for basket in baskets:
        if len(basket.items) > 1:
            place = int(draw.integers(len(basket.items)))
            rest = basket.items[:place] + basket.items[place + 1 :]
            hidden.append(Hidden(basket.customer, rest, basket.items[place]))
    return hidden
