"""How a log is read: by preset, by mapping, or by what its columns or its first JSON object say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from crm_online.errors import InputError, MissingColumn, UnknownPreset
from crm_online.events.columns import KINDS
from crm_online.events.conversion import Conversion
from crm_online.events.first_rows import first_objects, paths_of
from crm_online.events.objects import ObjectReader
from crm_online.events.options import LogOptions
from crm_online.events.paths import steps_of
from crm_online.events.presets import BASKETS, JSON_PRESETS, NAMES, NATIVE, TABLE_PRESETS, JsonPreset
from crm_online.events.presets.mapped import LINE, check_fields, preset_of
from crm_online.events.presets.mapped_objects import objects_preset
from crm_online.events.presets.preset import has_column, listed, meant
from crm_online.events.raw.csv_rows import csv_columns
from crm_online.events.raw.layout import FileFormat, Layout, layout_of
from crm_online.events.raw.lines import read_lines
from crm_online.events.raw.parquet_rows import parquet_columns, parquet_paths
from crm_online.events.raw.sheet_rows import sheet_columns
from crm_online.events.reader import Reader
from crm_online.events.row_filter import RowFilter
from crm_online.events.source import Source
from crm_online.hint import hint

_NATIVE_OBJECTS = JsonPreset(NATIVE, lambda value: value, fits=lambda value: False, times=("time",))


def reader_of(path: Path, source: Source, options: LogOptions) -> Reader:
    """Return the reader of a log, as the options and its content have it.

    Raises
    ------
    InputError
        If the log cannot be read so.
    """
    preset, mapping, sep = options.preset, options.mapping, options.sep
    if preset is not None and preset not in NAMES:
        raise UnknownPreset(f"no preset {preset!r}; {hint(preset, NAMES)}")
    if preset is not None and mapping:
        raise InputError("--preset and --map say the same thing in two ways: give one of them")
    if mapping:
        check_fields(mapping)
    conversion = Conversion.of(options.time_format, options.decimal)
    where = RowFilter.of(options.where)
    layout = layout_of(path)
    reader = Reader(path, source, layout, sep, conversion=conversion, where=where)
    if preset in (NATIVE, BASKETS) and not layout.is_text and (preset == BASKETS or not layout.is_json):
        raise InputError(f"preset {preset} reads lines of text, and {path.name} is {layout.kind}: say --map")
    if preset == BASKETS:
        if conversion or where:
            raise InputError("preset baskets has no times, no prices and no columns: leave those options out")
        return replace(reader, sep=sep or _separator(path), baskets=True)
    if mapping and (layout.is_json or layout.kind is FileFormat.PARQUET):
        return _mapped(reader, mapping)
    columns = [] if layout.is_json else columns_of(path, layout, sep)
    if preset is None and not mapping:
        preset = _preset_of(path, layout, columns)
    if preset == NATIVE:
        return _by_object(reader, _NATIVE_OBJECTS) if conversion or where else reader
    by_object = JSON_PRESETS.get(preset) if preset else None
    table = preset_of(mapping) if mapping else TABLE_PRESETS.get(preset or "")
    if by_object is not None and (layout.is_json or table is None):
        return _by_object(reader, by_object, columns)
    if table is None or layout.is_json:
        raise InputError(f"preset {preset} reads tables, and {path.name} is {layout.kind}: say --map")
    chosen = table.found(columns) if columns or layout.kind is FileFormat.PARQUET else {}
    _check_where(where, columns)
    combined = frozenset(name for name in [*chosen.values(), *where.columns] if name not in columns)
    return replace(reader, table=table, columns=chosen, combined=combined)


def columns_of(path: Path, layout: Layout, sep: str | None) -> list[str]:
    """Return the columns of a table."""
    if layout.kind is FileFormat.PARQUET:
        return parquet_columns(path)
    return sheet_columns(path) if layout.kind is FileFormat.SHEET else csv_columns(path, sep)


def _by_object(reader: Reader, preset: JsonPreset, columns: Sequence[str] = ()) -> Reader:
    """Return a reader of the objects of a preset: JSON, rows of a table if it takes those, or lines of its own."""
    layout, name = reader.layout, reader.path.name
    named_table = layout.named and not layout.is_json and layout.kind is not FileFormat.PARQUET
    if named_table and not preset.tables and not (preset.decode and layout.is_text):
        raise InputError(f"preset {preset.name} reads JSON lines, and {name} is a table: say --map")
    if preset.tables and columns:
        if not preset.fits(dict.fromkeys(columns, "")):
            there = listed(columns)
            raise MissingColumn(f"{name} has not the columns of preset {preset.name}: say --map; it has: {there}")
        _check_where(reader.where, columns)
    return replace(reader, objects=ObjectReader(preset, reader.conversion, reader.where))


def _mapped(reader: Reader, mapping: Mapping[str, str]) -> Reader:
    """Return a reader of JSON or Parquet by a mapping, whose columns may be paths into nested objects."""
    path, layout, filtered = reader.path, reader.layout, reader.where.columns
    needed = [*mapping.values(), *filtered]
    parquet = layout.kind is FileFormat.PARQUET
    there = parquet_paths(path) if parquet else paths_of(path, layout, needed)
    bracketed = {column for column in needed if column not in there and parquet and _names(there, column)}
    there |= {column: _names(there, column) == "list" for column in bracketed}
    flat = [name for name, in_list in there.items() if not in_list]
    for name, column in [*mapping.items(), *((None, column) for column in filtered)]:
        if there and column not in there and not has_column(flat, column):
            option = f"--map {name}={column}" if name else f"--where {column}=…"
            raise MissingColumn(
                f"{option}: no such field in the first lines of the log{meant(column, list(there))}, "
                f"which have: {listed(list(there))}"
            )
    in_lists = [name for name, column in mapping.items() if there.get(column)]
    if in_lists or bracketed or (parquet and any(there.get(column) for column in filtered)):
        for name in in_lists:
            if name not in LINE and name != "attributes":
                raise InputError(f"--map {name}={mapping[name]}: that is a list, and an event has one {name}")
        return _by_object(reader, objects_preset(mapping, reader.conversion))
    combined = frozenset(column for column in needed if there and column not in there)
    return replace(reader, table=preset_of(mapping), columns=dict(mapping), combined=combined)


def _names(there: Mapping[str, bool], column: str) -> str | None:
    """Return what a path names that is written with brackets: one value or a list of them; ``None`` for nothing."""
    steps = steps_of(column)
    place = ".".join(step for step in steps if not step.isdecimal())
    if place not in there:
        return None
    return "list" if there[place] and not any(step.isdecimal() for step in steps) else "value"


def _preset_of(path: Path, layout: Layout, columns: list[str]) -> str:
    """Return the preset that a log fits; of an empty table, the first.

    Raises
    ------
    InputError
        If it fits none.
    """
    otherwise = NATIVE if layout.is_json else None if columns else next(iter(TABLE_PRESETS))
    found = detected_preset(path, layout, columns) or otherwise
    if found is None:
        presets = ", ".join(NAMES)
        why = f"{path.name} fits no preset: try crm-online replay --check {path.name}, or say --preset ({presets})"
        raise InputError(f"{why} or --map; its columns: {listed(columns)}")
    return found


def detected_preset(path: Path, layout: Layout, columns: Sequence[str]) -> str | None:
    """Return the preset that a log fits by its columns, its first objects or its first line; ``None`` for none."""
    if layout.is_json:
        return _preset_of_objects(path, layout)
    row = dict.fromkeys(columns, "")
    found = [name for name, table in TABLE_PRESETS.items() if columns and table.fits(columns)]
    found += [name for name, preset in JSON_PRESETS.items() if columns and preset.tables and preset.fits(row)]
    if found or not (layout.is_text or layout.kind is FileFormat.PARQUET):
        return found[0] if found else None
    if layout.kind is FileFormat.PARQUET:
        return _preset_of_objects(path, layout)
    first = next(read_lines(path, 0, 1), None)
    for preset in JSON_PRESETS.values():
        value = preset.decode(first.lines[0]) if first and preset.decode else None
        if isinstance(value, dict) and preset.fits(value):
            return preset.name
    return None


def _preset_of_objects(path: Path, layout: Layout) -> str | None:
    """Return the preset of a log of objects: that of the first one that fits any, ``None`` if none does."""
    for value in first_objects(path, layout):
        if layout.is_json and _is_native(value):
            return NATIVE
        for preset in JSON_PRESETS.values():
            if preset.fits(value):
                return preset.name
    return None


def _is_native(value: Mapping[str, object]) -> bool:
    """Return whether an object looks like a native event: each has a customer, or items.

    A CloudEvent never does: names of its attributes have no underscores, and its items are in its data.
    """
    return str(value.get("type")) in KINDS and ("customer_id" in value or "items" in value)


def _separator(path: Path) -> str | None:
    """Return what separates the items of baskets: a comma if the first lines have any, else blanks."""
    first = next(read_lines(path, 0, 1000), None)
    return "," if first is not None and any(b"," in line for line in first.lines) else None


def _check_where(where: RowFilter, columns: Sequence[str]) -> None:
    for column in where.columns:
        if columns and not has_column(columns, column):
            raise MissingColumn(
                f"--where {column}=…: no such column{meant(column, columns)}; the log has: {listed(columns)}"
            )
