"""Answers as CSV for a spreadsheet, which must take no text of a shop's events for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import StreamingResponse

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""What a cell begins with that a spreadsheet takes for a formula; some take wide signs for it as well."""


class CsvResponse(StreamingResponse):
    """A table as CSV."""

    media_type = "text/csv; charset=utf-8"


def csv_answer(description: str) -> dict[int | str, dict[str, Any]]:
    """Return how a table is described in the OpenAPI document."""
    return {200: {"description": description, "content": {"text/csv": {"schema": {"type": "string"}}}}}


def csv_headers(filename: str) -> dict[str, str]:
    """Return the headers of a table that is kept as a file."""
    return {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    r"""Return rows as lines of CSV; texts that begin as a formula have an apostrophe in front.

    All texts are in quotes, so that one with a semicolon or a tab in it is one cell, whatever a spreadsheet splits at.

    Examples
    --------
    >>> csv_lines([["=1+1", "C17", -2.5, None]])
    '"\'=1+1","C17",-2.5,""\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: object) -> object:
    """Return a cell as no spreadsheet takes it for a formula; numbers are as they are.

    Examples
    --------
    >>> harmless("=1+1"), harmless("C17"), harmless(-1)
    ("'=1+1", 'C17', -1)
    """
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in FORMULAS else cell
