"""Tables that stay readable on a narrow terminal: one that does not fit is written row by row."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

_LEAST = 10
"""Columns of text are not made narrower than this: a word a letter a line is no word."""


class FittingTable(Table):
    """A table that becomes a list of headings and cells, row by row, where its columns would be too narrow to read."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the table if it fits, else its rows one below the other."""
        borders = 3 * len(self.columns) + 1
        if borders + sum(_least(column, console, options) for column in self.columns) <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        if self.title:
            yield _styled(self.title, "bold")
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            record = Table(box=None, show_header=False, pad_edge=False)
            record.add_column(style="dim", overflow="fold", max_width=max(options.max_width // 2, 1))
            record.add_column(overflow="fold")
            for column, cell in zip(self.columns, cells, strict=True):
                record.add_row(column.header, cell)
            yield record
            yield ""
        if self.caption:
            yield _styled(self.caption, "dim italic")


def _least(column: Column, console: Console, options: ConsoleOptions) -> int:
    """Return the width below which a column cannot be read."""
    wide = options.update(width=10_000, max_width=10_000)
    longest = max(Measurement.get(console, wide, cell).maximum for cell in (column.header, *column.cells))
    return longest if column.no_wrap else min(longest, _LEAST)


def _styled(text: RenderableType, style: str) -> RenderableType:
    return Text.from_markup(text, style=style) if isinstance(text, str) else text
