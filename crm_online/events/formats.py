"""How a log is read: by preset, by mapping, or by what its columns or its first JSON object say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from crm_online.errors import InputError, MissingColumn, UnknownPreset
from crm_online.events import files
from crm_online.events.columns import KINDS
from crm_online.events.csv_rows import csv_columns
from crm_online.events.json_rows import decoded
from crm_online.events.options import LogOptions
from crm_online.events.parquet_rows import parquet_columns
from crm_online.events.presets import BASKETS, NAMES, NATIVE, PRESETS, JsonPreset, TablePreset
from crm_online.events.presets.mapped import preset_of
from crm_online.events.presets.preset import listed
from crm_online.events.reader import JSON, Reader
from crm_online.events.source import Source
from crm_online.hint import hint

_FIRST_LINES = 1000
_TABLES = frozenset({".csv", ".tsv", ".parquet"})


def reader_of(path: Path, source: Source, options: LogOptions) -> Reader:
    """Return what reads a log as asked; see :func:`crm_online.events.log.read_log`.

    Raises
    ------
    InputError
        If the log cannot be read so.
    """
    preset, mapping, sep = options.preset, options.mapping, options.sep
    suffix = files.suffix_of(path)
    if preset is not None and preset not in NAMES:
        raise UnknownPreset(f"no preset {preset!r}; {hint(preset, NAMES)}")
    if preset is not None and mapping:
        raise InputError("--preset and --map say the same thing in two ways: give one of them")
    if preset in (NATIVE, BASKETS) and suffix == ".parquet":
        raise InputError(f"preset {preset} reads lines of text, and {path.name} is Parquet: say --map")
    if preset is None and not mapping and suffix in JSON:
        preset = _told_by_the_first_object(path)
    if preset == BASKETS:
        return Reader(path, source, sep or _separator(path), None, {}, baskets=True)
    if preset == NATIVE:
        return Reader(path, source, sep, None, {})
    chosen = PRESETS.get(preset) if preset else None
    if isinstance(chosen, JsonPreset):
        if suffix in _TABLES:
            raise InputError(f"preset {preset} reads JSON lines, and {path.name} is a table: say --map")
        return Reader(path, source, sep, None, {}, objects=chosen)
    if mapping and suffix in JSON:
        table = preset_of(mapping)
        _check_time(path, mapping["time"])
        return Reader(path, source, sep, table, dict(mapping))
    columns = parquet_columns(path) if suffix == ".parquet" else csv_columns(path, sep)
    table = preset_of(mapping) if mapping else chosen or _guessed(path, columns)
    return Reader(path, source, sep, table, table.found(columns) if columns or suffix == ".parquet" else {})


def _told_by_the_first_object(path: Path) -> str:
    """Return the preset of a log of JSON lines: that of the first object that fits one, else native."""
    for rows in islice(files.read_lines(path, 0, 1), _FIRST_LINES):
        value = decoded(rows.lines[0])
        if isinstance(value, dict):
            if _is_native(value):
                break
            for preset in PRESETS.values():
                if isinstance(preset, JsonPreset) and preset.fits(value):
                    return preset.name
    return NATIVE


def _is_native(value: Mapping[str, object]) -> bool:
    """Return whether an object looks like a native event: each has a customer, or items.

    A CloudEvent never does: names of its attributes have no underscores, and its items are in its data.
    """
    return str(value.get("type")) in KINDS and ("customer_id" in value or "items" in value)


def _separator(path: Path) -> str | None:
    """Return what separates the items of baskets: a comma if the first lines have any, else blanks."""
    first = next(files.read_lines(path, 0, _FIRST_LINES), None)
    return "," if first is not None and any(b"," in line for line in first.lines) else None


def _guessed(path: Path, columns: list[str]) -> TablePreset:
    for preset in PRESETS.values():
        if isinstance(preset, TablePreset) and (preset.fits(columns) or not columns):
            return preset
    presets = ", ".join(NAMES)
    raise InputError(f"{path.name} fits no preset: say --preset ({presets}) or --map; its columns: {listed(columns)}")


def _check_time(path: Path, column: str) -> None:
    """Raise if none of the first JSON lines has the column of the time: every line would be a reject."""
    found: dict[str, None] = {}
    for rows in islice(files.read_lines(path, 0, _FIRST_LINES), 1):
        for line in rows.lines:
            with contextlib.suppress(ValueError, RecursionError):
                value = json.loads(files.as_text(line))
                found |= dict.fromkeys(value if isinstance(value, dict) else ())
    if found and column not in found:
        there = listed(list(found))
        raise MissingColumn(f"--map time={column}: no such field in the first lines of the log, which have: {there}")
