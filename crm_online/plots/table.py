"""The segments in words: size, share, what sets each apart, and what its customers need and say."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from crm_online.plots.lettering import Lettering
from crm_online.plots.marks import LINE, PALE, mark
from crm_online.plots.picture import SegmentPicture

SIZE = 8.0
"""Of the letters, in points."""

_LINE = SIZE * 1.3 / 72
_HEADER, _AIR, _REST = 0.3, 0.09, 0.22
_MARK, _GUTTER = 0.25, 0.2
_MOST_LINES, _LEAST_LINES = 3, 2


@dataclass(frozen=True, slots=True)
class Row:
    """One segment: the lines of each cell."""

    place: int
    cells: tuple[list[str], ...]

    @property
    def lines(self) -> int:
        """Lines of its highest cell."""
        return max(1, *(len(cell) for cell in self.cells))

    @property
    def height(self) -> float:
        """In inches."""
        return self.lines * _LINE + _AIR


@dataclass(frozen=True, slots=True)
class Table:
    """The rows that fit, and where the columns begin; lengths in inches.

    ``rest`` says how many segments have no row.
    """

    rows: list[Row]
    headers: tuple[str, ...]
    columns: tuple[float, ...]
    width: float
    rest: str

    @property
    def height(self) -> float:
        """Of the whole table."""
        return _HEADER + sum(row.height for row in self.rows) + (_REST if self.rest else 0.0)


def lay_out(picture: SegmentPicture, letters: Lettering, width: float, height: float) -> Table:
    """Return the table that fits into a width and a height: cells are cut to two lines, then rows left out."""
    found = _table(picture, letters, width, _MOST_LINES)
    if found.height > height:
        found = _table(picture, letters, width, _LEAST_LINES)
    if found.height <= height:
        return found
    rows, left = [], height - _HEADER - _REST
    for row in found.rows:
        left -= row.height
        if left < 0:
            break
        rows.append(row)
    missing = picture.by_size()[len(rows) :]
    people = sum(int(picture.segments[place]["size"]) for place in missing)
    segments = "1 smaller segment" if len(missing) == 1 else f"{len(missing)} smaller segments"
    rest = f"and {segments} of {people:,} customers together"
    return Table(rows, found.headers, found.columns, width, rest)


def draw(panel: Axes, picture: SegmentPicture, table: Table) -> None:
    """Draw the table into a panel that measures inches."""
    y = table.height
    for header, x in zip(table.headers, table.columns, strict=True):
        numbers = header in _NUMBERS
        panel.text(x, y - 0.13, header, size=SIZE, color=PALE, va="center", ha="right" if numbers else "left")
    y -= _HEADER
    panel.plot([0, table.width], [y + 0.04, y + 0.04], color=LINE, linewidth=0.8)
    for row in table.rows:
        first = y - _AIR / 2 - _LINE / 2
        mark(row.place).on(panel, 0.08, first, 38)
        for header, cell, x in zip(table.headers, row.cells, table.columns, strict=True):
            for number, line in enumerate(cell):
                panel.text(
                    x,
                    first - number * _LINE,
                    line,
                    size=SIZE,
                    va="center",
                    ha="right" if header in _NUMBERS else "left",
                    weight="bold" if header == "name" else "normal",
                    parse_math=False,
                )
        y -= row.height
    if table.rest:
        panel.text(_MARK, y - _REST / 2, table.rest, size=SIZE, color=PALE, va="center")


_NUMBERS = ("customers", "share")


def _table(picture: SegmentPicture, letters: Lettering, width: float, lines: int) -> Table:
    """Return all rows, with cells of some lines at most."""
    order = picture.by_size()
    said = any(picture.said(place) for place in order)
    names = [str(picture.segments[place]["name"]) for place in order]
    widest = max(letters.width(letters.drawn(name), SIZE, bold=True) for name in names)
    name = min(widest + 0.02, 2.1 if width > 10 else 1.7)
    identity = max(letters.width(letters.fit(str(segment["id"]), 0.8, SIZE), SIZE) for segment in picture.segments)
    at_name = _MARK + identity + 0.12
    at_customers = at_name + name + _GUTTER + 0.62
    at_share = at_customers + 0.6
    at_text = at_share + _GUTTER
    room = width - at_text
    text = room * 0.52 - _GUTTER if said else room
    rows = []
    for place, told in zip(order, names, strict=True):
        segment = picture.segments[place]
        cells = [
            [letters.fit(str(segment["id"]), 0.8, SIZE)],
            letters.wrap(told, name, SIZE, min(lines, 2), bold=True),
            [f"{int(segment['size']):,}"],
            [picture.share(place)],
            letters.wrap(picture.description(place), text, SIZE, lines),
        ]
        if said:
            cells.append(letters.wrap(picture.said(place), room - text - _GUTTER, SIZE, lines))
        rows.append(Row(place, tuple(cells)))
    needs = "what its customers need and say"
    if letters.width(needs, SIZE) > room - text - _GUTTER:
        needs = letters.fit("what they need and say", room - text - _GUTTER, SIZE)
    headers = ("id", "name", *_NUMBERS, "what sets it apart", needs)
    columns = (_MARK, at_name, at_customers, at_share, at_text, at_text + text + _GUTTER)
    count = 6 if said else 5
    return Table(rows, headers[:count], columns[:count], width, "")
