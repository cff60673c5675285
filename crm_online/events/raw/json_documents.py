"""JSON that is not one object a line: arrays, lists in an object, objects over several lines; read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from crm_online.errors import UnreadableLog
from crm_online.events.raw.lines import BYTE_ORDER_MARK, MAX_LINE, TOO_LONG, Beginning, RawRows, as_text, lines_of
from crm_online.events.raw.unpacking import bytes_of, first_line

ARRAY = "item"
"""Where the objects are, as ijson's prefix: in an array."""
OBJECTS = ""
"""Where the objects are: one after the other, each over several lines."""
LISTS = frozenset({"data", "orders", "records", "results", "events", "batch", "payments", "charges", "transactions"})
"""Members of an answer of an API that hold its objects."""
_FIRST_TOKENS = 10_000


def objects_place(path: Path) -> str | None:
    """Return where a JSON document has its objects, ``None`` for JSON lines.

    A first line that is a whole value decides: with others after it there are JSON lines.
    """
    with bytes_of(path) as (stream, _, _):
        lines = (line.removeprefix(BYTE_ORDER_MARK) for line in lines_of(stream))
        first = next((line for line in lines if line.strip()), b"")
        more = next((line for line in islice(lines, 1000) if line.strip()), None)
    if first.lstrip()[:1] not in (b"[", b"{"):
        return None
    if not isinstance(first, Beginning):
        try:
            value = json.loads(as_text(first))
        except (ValueError, RecursionError):
            return _place_in(path) if more is not None else None
        if more is not None:
            return None
        if isinstance(value, list):
            return ARRAY if value and isinstance(value[0], dict) else None
    return _place_in(path)


def read_objects(path: Path, place: str, begin: int, size: int) -> Iterator[RawRows]:
    """Yield the objects of a JSON document from number ``begin`` on, ``size`` at a time, each as a line.

    Raises
    ------
    UnreadableLog
        If the document breaks off, or is no JSON.
    """
    import ijson

    with bytes_of(path) as (stream, raw, total):
        _skip_mark(stream)
        try:
            values = ijson.items(stream, place, multiple_values=place == OBJECTS)
            found = islice(values, begin, None)
            row = begin
            while some := list(islice(found, size)):
                lines = [
                    json.dumps(value, ensure_ascii=False, default=float).encode("utf-8", "replace") for value in some
                ]
                rows = RawRows(row, row + len(some), lines=lines)
                rows.progress = min(raw.tell() / total, 1.0) if total else 1.0
                rows.broken = {at: TOO_LONG for at, line in enumerate(lines) if len(line) > MAX_LINE}
                yield rows
                row += len(some)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise UnreadableLog(f"{path} is not a whole JSON document: {first_line(error)}") from error


def _place_in(path: Path) -> str | None:
    """Return where the objects of a document over several lines are, by its first tokens."""
    import ijson

    with bytes_of(path) as (stream, _, _):
        _skip_mark(stream)
        try:
            tokens = ijson.parse(stream, multiple_values=True)
            for prefix, token, _ in islice(tokens, _FIRST_TOKENS):
                if token == "start_array" and prefix in ("", *LISTS):
                    _, inner, _ = next(tokens)
                    if inner == "start_map":
                        return f"{prefix}.{ARRAY}" if prefix else ARRAY
                elif token == "end_map" and not prefix:
                    return OBJECTS
        except (ijson.JSONError, UnicodeDecodeError, StopIteration):
            return None
    return OBJECTS


def _skip_mark(stream: IO[bytes]) -> None:
    peek = stream.peek(3) if hasattr(stream, "peek") else b""
    if peek.startswith(BYTE_ORDER_MARK):
        stream.read(len(BYTE_ORDER_MARK))
