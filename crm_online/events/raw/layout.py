"""What kind of file a log is, by its name and, where that says little, by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from crm_online.errors import InputError
from crm_online.events.raw.json_documents import OBJECTS, objects_place
from crm_online.events.raw.lines import BYTE_ORDER_MARK
from crm_online.events.raw.sheet_rows import SHEETS
from crm_online.events.raw.unpacking import PACKED, bytes_of, is_packed, suffix_of

_LINES = frozenset({".jsonl", ".ndjson"})
_JSON = frozenset({*_LINES, ".json"})
_TABLES = frozenset({".csv", ".tsv"})


class FileFormat(StrEnum):
    """What the rows of a file are."""

    CSV = "CSV"
    LINES = "JSON lines"
    DOCUMENT = "JSON"
    PARQUET = "Parquet"
    SHEET = "a spreadsheet"


@dataclass(frozen=True, slots=True)
class Layout:
    """What kind of file a log is.

    Attributes
    ----------
    kind
        What its rows are.
    named
        Whether its name says so; lines of text may also be something that only a preset reads.
    place
        Where the objects of a JSON document are.
    """

    kind: FileFormat
    named: bool = True
    place: str = ""

    @property
    def is_json(self) -> bool:
        """Whether its rows are JSON objects."""
        return self.kind in (FileFormat.LINES, FileFormat.DOCUMENT)

    @property
    def is_text(self) -> bool:
        """Whether it has lines of text."""
        return self.kind in (FileFormat.CSV, FileFormat.LINES)


def layout_of(path: Path) -> Layout:
    """Return what kind of file a log is.

    Raises
    ------
    InputError
        If it cannot be read, or is packed where it may not be.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet" or suffix in SHEETS:
        if is_packed(path):
            raise InputError(f"{path.name} is packed twice: unpack it ({', '.join(PACKED)} are for text)")
        return Layout(FileFormat.PARQUET if suffix == ".parquet" else FileFormat.SHEET)
    if suffix in _TABLES:
        return Layout(FileFormat.CSV)
    if suffix in _JSON or _looks_like_json(path):
        place = objects_place(path)
        if place == OBJECTS and suffix in _LINES:  # its name says that a line is an object
            place = None
        return (
            Layout(FileFormat.LINES, suffix in _JSON)
            if place is None
            else Layout(FileFormat.DOCUMENT, suffix in _JSON, place)
        )
    return Layout(FileFormat.CSV, named=False)


def _looks_like_json(path: Path) -> bool:
    with bytes_of(path) as (stream, _, _):
        head = stream.read(1024).removeprefix(BYTE_ORDER_MARK).lstrip()
    return head[:1] == b"{" or (head[:1] == b"[" and head[1:].lstrip()[:1] == b"{")
