"""The segments in words: size, share, what sets each apart, and what its customers need and say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from crm_online.plots.lettering import Lettering
from crm_online.plots.markers import LINE, PALE, segment_marker
from crm_online.plots.picture import SegmentPicture

SIZE = 8.0
"""Of the letters, in points."""

_LINE = SIZE * 1.3 / 72
_HEADER, _AIR, _REST = 0.3, 0.09, 0.22
_MARKER, _GUTTER = 0.25, 0.2
_MOST_LINES, _LEAST_LINES = 3, 2
_NUMBERS = ("customers", "share")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One segment: its index, and the lines of each cell."""

    number: int
    cells: tuple[list[str], ...]

    @property
    def height(self) -> float:
        """In inches."""
        return max(1, *(len(cell) for cell in self.cells)) * _LINE + _AIR


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The rows that fit, and where the columns begin (those of numbers: end); lengths in inches.

    ``rest`` says how many segments have no row.
    """

    rows: list[TableRow]
    headers: tuple[str, ...]
    columns: tuple[float, ...]
    width: float
    rest: str = ""

    @property
    def height(self) -> float:
        """Of the whole table."""
        return _HEADER + sum(row.height for row in self.rows) + (_REST if self.rest else 0.0)


def lay_out(picture: SegmentPicture, letters: Lettering, width: float, height: float) -> TableLayout:
    """Return the table that fits into a width and a height: cells are cut to two lines, then rows left out."""
    found = _table(picture, letters, width, _MOST_LINES)
    if found.height > height:
        found = _table(picture, letters, width, _LEAST_LINES)
    if found.height <= height:
        return found
    ends = np.cumsum([row.height for row in found.rows])
    shown = int(np.searchsorted(ends, height - _HEADER - _REST, side="right"))
    missing = [picture.segments[row.number] for row in found.rows[shown:]]
    customers = sum(int(segment["size"]) for segment in missing)
    segments = "1 smaller segment" if len(missing) == 1 else f"{len(missing)} smaller segments"
    return replace(found, rows=found.rows[:shown], rest=f"and {segments} of {customers:,} customers together")


def draw(panel: Axes, table: TableLayout) -> None:
    """Draw the table into a panel that measures inches."""
    y = table.height
    aligned = ["right" if header in _NUMBERS else "left" for header in table.headers]
    for header, x, side in zip(table.headers, table.columns, aligned, strict=True):
        panel.text(x, y - 0.13, header, size=SIZE, color=PALE, va="center", ha=side)
    y -= _HEADER
    panel.plot([0, table.width], [y + 0.04, y + 0.04], color=LINE, linewidth=0.8)
    for row in table.rows:
        first = y - (_AIR + _LINE) / 2
        segment_marker(row.number).draw(panel, 0.08, first, 38)
        for header, cell, x, side in zip(table.headers, row.cells, table.columns, aligned, strict=True):
            weight = "bold" if header == "name" else "normal"
            for number, line in enumerate(cell):
                panel.text(x, first - number * _LINE, line, size=SIZE, va="center", ha=side, weight=weight)
        y -= row.height
    if table.rest:
        panel.text(_MARKER, y - _REST / 2, table.rest, size=SIZE, color=PALE, va="center")


def _table(picture: SegmentPicture, letters: Lettering, width: float, lines: int) -> TableLayout:
    """Return all rows, with cells of some lines at most."""
    order = picture.by_size()
    segments = [picture.segments[number] for number in order]
    ids = [letters.fit(str(segment["id"]), 0.8, SIZE) for segment in segments]
    names = [str(segment["name"]) for segment in segments]
    widest = max(letters.width(letters.drawn(name), SIZE, bold=True) for name in names)
    name = min(widest + 0.02, 2.1 if width > 10 else 1.7)
    at_name = _MARKER + max(letters.width(text, SIZE) for text in ids) + 0.12
    at_customers = at_name + name + _GUTTER + 0.62
    at_share = at_customers + 0.6
    at_text = at_share + _GUTTER
    room = width - at_text
    traits = [picture.trait_text(number) for number in order]
    text = room * 0.52 - _GUTTER if any(traits) else room
    rest = room - text - _GUTTER
    needs = "what its customers need and say"
    if letters.width(needs, SIZE) > rest:
        needs = letters.fit("what they need and say", rest, SIZE)
    headers = ("id", "name", *_NUMBERS, "what sets it apart", needs)
    columns = (_MARKER, at_name, at_customers, at_share, at_text, at_text + text + _GUTTER)
    count = 6 if any(traits) else 5
    rows = []
    for row, number in enumerate(order):
        cells = (
            [ids[row]],
            letters.wrap(names[row], name, SIZE, min(lines, 2), bold=True),
            [f"{int(segments[row]['size']):,}"],
            [picture.share(number)],
            letters.wrap(picture.description(number), text, SIZE, lines),
            letters.wrap(traits[row], rest, SIZE, lines),
        )
        rows.append(TableRow(number, cells[:count]))
    return TableLayout(rows, headers[:count], columns[:count], width)
