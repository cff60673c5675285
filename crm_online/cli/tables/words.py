"""Figures in words: numbers with as many digits as a person reads, shares, times."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from crm_online.cli.tables.layout import FittingTable

NOTHING = "–"

TEXT: Final[Mapping[str, Any]] = {"overflow": "fold"}
WORD: Final[Mapping[str, Any]] = {"no_wrap": True}
FIGURE: Final[Mapping[str, Any]] = {"no_wrap": True, "justify": "right"}
"""Columns of a table: text of any length, a word or an id, a number."""

_BEFORE_SIGN = re.compile(r"(?<=\d) (?=[%×])")
_UNBROKEN = "\ue000"
"""Stands for a blank at which no line ends: rich ends lines at every kind of blank there is."""
_LEAST_PERCENT = 0.01


def number(value: float | None) -> str:
    """Return a number with thousands set apart and at most four digits.

    Examples
    --------
    >>> number(1234567), number(0.123456), number(12.5), number(None), number(1e-7)
    ('1,234,567', '0.1235', '12.5', '–', '1e-07')
    """
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> share(0.12345), share(0.00012), share(3.9e-17), share(None)
    ('12.3 %', '0.012 %', '< 0.01 %', '–')
    """
    if value is None:
        return NOTHING
    percent = 100 * value
    if 0 < percent < _LEAST_PERCENT:
        return f"< {_LEAST_PERCENT} %"
    return f"{percent:.1f} %" if percent >= 1 or percent == 0 else f"{percent:.2g} %"


def quantity(value: float | None, unit: str) -> str:
    """Return a value with its unit.

    Examples
    --------
    >>> quantity(12.34, "days"), quantity(0.5, "share"), quantity(None, "days")
    ('12.34 days', '50.0 %', '–')
    """
    if value is None:
        return NOTHING
    return share(value) if unit == "share" else f"{number(value)} {unit}".strip()


def time(value: str | int | None) -> str:
    """Return a time (ISO 8601, or milliseconds since 1970) to the minute, in UTC.

    Examples
    --------
    >>> time("2017-12-31T23:59:30Z"), time(0), time(None)
    ('2017-12-31 23:59', '1970-01-01 00:00', '–')
    """
    if value is None:
        return NOTHING
    moment = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value / 1000, UTC)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime("%Y-%m-%d %H:%M")


def count(value: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count(1, "segment"), count(2000, "segment"), count(2, "basket of one", "baskets of one")
    ('1 segment', '2,000 segments', '2 baskets of one')
    """
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def table(title: str, **columns: Mapping[str, Any]) -> Table:
    """Return an empty table in the style of all, with a column of each heading; see `TEXT`, `WORD` and `FIGURE`."""
    made = FittingTable(title=title, title_justify="left", title_style="bold", header_style="bold", border_style="dim")
    for heading, options in columns.items():
        made.add_column(heading, **options)
    return made


def figures_table(figures: Mapping[str, str]) -> Table:
    """Return figures by their names, without lines."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column()
    made.add_column(justify="right")
    for name, figure in figures.items():
        made.add_row(name, figure)
    return made


@dataclass(frozen=True, slots=True)
class Prose:
    """Text in a cell: no line ends between a number and its sign, as in ``60 %`` and ``3.2 ×``."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the lines that fit."""
        for line in self._unbroken().wrap(console, options.max_width, overflow="fold"):
            yield Text(line.plain.replace(_UNBROKEN, " "), no_wrap=True, overflow="ignore")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Give the widths between which the text may be laid out."""
        return Measurement.get(console, options, self._unbroken())

    def _unbroken(self) -> Text:
        return Text(_BEFORE_SIGN.sub(_UNBROKEN, self.text.replace(_UNBROKEN, " ")))
