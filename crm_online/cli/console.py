"""What is printed: tables and JSON on stdout, progress and errors on stderr.

Logs hold anything, so no text of theirs may act as markup or reach the terminal as a command.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from rich.console import Console, RenderableType

_T = TypeVar("_T")

PIPE_WIDTH = 140
"""Columns of a table that no terminal reads, if ``COLUMNS`` does not say."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_PASSWORD = re.compile(r"(rediss?://)[^@/\s]+@")


def plain(text: str) -> str:
    r"""Return a text without control characters, on one line.

    Examples
    --------
    >>> plain("bell \x07 and\nline")
    'bell   and line'
    """
    return _CONTROL.sub(" ", text)


def without_secrets(text: str) -> str:
    """Return a text in which the URLs of stores have lost user and password.

    Examples
    --------
    >>> without_secrets("no answer from redis://me:secret@store:6379/0")
    'no answer from redis://…@store:6379/0'
    """
    return _PASSWORD.sub(r"\1…@", text)


def console(*, stderr: bool = False) -> Console:
    """Return a console that takes every text literally."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        width=None if stream.isatty() else _columns() or PIPE_WIDTH,
        soft_wrap=False,
    )


def _columns() -> int:
    """Return how wide ``COLUMNS`` says that lines are; 0 if it says nothing."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and len(columns) < 7 else 0


class UnreadError(Exception):
    """Nobody reads stdout any more; no OSError, since typer ends the process on those by itself."""


@contextmanager
def _unread_as_error() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise UnreadError from error


def show(*parts: RenderableType) -> None:
    """Print tables and texts on stdout."""
    out = console()
    with _unread_as_error():
        for part in parts:
            out.print(part)


def print_answer(document: _T, table: Callable[[_T], RenderableType], *, as_json: bool) -> None:
    """Print an answer as JSON, or as the table that is made of it."""
    if as_json:
        print_json(document)
    else:
        show(table(document))


def show_line(line: str) -> None:
    """Print one line on stdout, whatever its width: one that is to be copied must not be broken."""
    with _unread_as_error():
        print(plain(line))


def say(line: str) -> None:
    """Print one line on stderr, whatever its width."""
    print(without_secrets(plain(line)), file=sys.stderr)


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, indented where a person looks."""
    indent = 2 if sys.stdout.isatty() else None
    escaped = not (sys.stdout.encoding or "").lower().startswith("utf")
    with _unread_as_error():
        print(json.dumps(document, ensure_ascii=escaped, allow_nan=False, indent=indent))
