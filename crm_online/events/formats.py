"""How a log is read: by preset, by mapping, or by what its columns or its first JSON object say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from crm_online.errors import InputError, MissingColumn, UnknownPreset
from crm_online.events import files
from crm_online.events.columns import KINDS
from crm_online.events.conversion import Conversion
from crm_online.events.csv_rows import csv_columns
from crm_online.events.fields import places_of
from crm_online.events.layout import FileFormat, Layout, layout_of
from crm_online.events.objects import Objects
from crm_online.events.options import LogOptions
from crm_online.events.parquet_rows import parquet_columns, parquet_paths
from crm_online.events.paths import steps_of
from crm_online.events.presets import BASKETS, JSON_PRESETS, NAMES, NATIVE, TABLE_PRESETS, JsonPreset
from crm_online.events.presets.mapped import check_fields, preset_of
from crm_online.events.presets.mapped_objects import LINE, objects_preset
from crm_online.events.presets.preset import has_column, listed, meant
from crm_online.events.reader import Reader
from crm_online.events.sample import first_objects
from crm_online.events.sheet_rows import sheet_columns
from crm_online.events.source import Source
from crm_online.events.where import Where
from crm_online.hint import hint

_NATIVE_OBJECTS = JsonPreset(NATIVE, lambda value: value, fits=lambda value: False, times=("time",))


def reader_of(path: Path, source: Source, options: LogOptions) -> Reader:
    """Return what reads a log as asked.

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
    where = Where.of(options.where)
    layout = layout_of(path)
    if preset in (NATIVE, BASKETS) and not layout.is_text and (preset == BASKETS or not layout.is_json):
        raise InputError(f"preset {preset} reads lines of text, and {path.name} is {layout.kind}: say --map")
    if preset == BASKETS:
        if conversion or where:
            raise InputError("preset baskets has no times, no prices and no columns: leave those options out")
        return Reader(path, source, layout, sep or _separator(path), baskets=True)
    if mapping and (layout.is_json or layout.kind is FileFormat.PARQUET):
        return _mapped(path, source, layout, mapping, conversion, where)
    columns = [] if layout.is_json else columns_of(path, layout, sep)
    if preset is None and not mapping:
        preset = _preset_of(path, layout, columns)
    if preset == NATIVE:
        objects = Objects(_NATIVE_OBJECTS, conversion, where) if conversion or where else None
        return Reader(path, source, layout, sep, objects=objects)
    by_objects = JSON_PRESETS.get(preset) if preset else None
    table = preset_of(mapping) if mapping else TABLE_PRESETS.get(preset or "")
    if by_objects is not None and (layout.is_json or table is None):
        return _objects(path, source, layout, by_objects, columns, options)
    if table is None or layout.is_json:
        raise InputError(f"preset {preset} reads tables, and {path.name} is {layout.kind}: say --map")
    chosen = table.found(columns) if columns or layout.kind is FileFormat.PARQUET else {}
    _check_where(where, columns)
    combined = frozenset(name for name in [*chosen.values(), *where.columns] if name not in columns)
    return Reader(path, source, layout, sep, table, chosen, conversion=conversion, where=where, combined=combined)


def columns_of(path: Path, layout: Layout, sep: str | None) -> list[str]:
    """Return the columns of a table."""
    if layout.kind is FileFormat.PARQUET:
        return parquet_columns(path)
    return sheet_columns(path) if layout.kind is FileFormat.SHEET else csv_columns(path, sep)


def _objects(
    path: Path, source: Source, layout: Layout, preset: JsonPreset, columns: Sequence[str], options: LogOptions
) -> Reader:
    """Return what reads the objects of a preset: JSON, the rows of a table if it takes those, or lines of its own."""
    named_table = layout.named and not layout.is_json
    if (
        named_table
        and not preset.tables
        and not (preset.decode and layout.is_text)
        and layout.kind is not FileFormat.PARQUET
    ):
        raise InputError(f"preset {preset.name} reads JSON lines, and {path.name} is a table: say --map")
    conversion = Conversion.of(options.time_format, options.decimal)
    where = Where.of(options.where)
    if preset.tables and columns:
        if not preset.fits(dict.fromkeys(columns, "")):
            there = listed(columns)
            raise MissingColumn(f"{path.name} has not the columns of preset {preset.name}: say --map; it has: {there}")
        _check_where(where, columns)
    return Reader(path, source, layout, options.sep, objects=Objects(preset, conversion, where))


def _mapped(
    path: Path, source: Source, layout: Layout, mapping: Mapping[str, str], conversion: Conversion, where: Where
) -> Reader:
    """Return what reads JSON or Parquet by a mapping, whose columns may be paths to what is nested."""
    wanted = [*mapping.values(), *where.columns]
    parquet = layout.kind is FileFormat.PARQUET
    there = parquet_paths(path) if parquet else places_of(path, layout, wanted)
    written = {column for column in wanted if column not in there and parquet and _names(there, column)}
    there |= {column: _names(there, column) == "list" for column in written}
    flat = {name for name, listed_ in there.items() if not listed_}
    for name, column in [*mapping.items(), *((None, column) for column in where.columns)]:
        if there and column not in there and not has_column(list(flat), column):
            asked = f"--map {name}={column}" if name else f"--where {column}=…"
            raise MissingColumn(
                f"{asked}: no such field in the first lines of the log{meant(column, list(there))}, "
                f"which have: {listed(list(there))}"
            )
    in_lists = [name for name, column in mapping.items() if there.get(column)]
    if in_lists or written or (parquet and any(there.get(column) for column in where.columns)):
        for name in in_lists:
            if name not in LINE and name != "attributes":
                raise InputError(f"--map {name}={mapping[name]}: that is a list, and an event has one {name}")
        return Reader(path, source, layout, objects=Objects(objects_preset(mapping, conversion), conversion, where))
    table = preset_of(mapping)
    combined = frozenset(column for column in wanted if there and column not in there)
    return Reader(
        path, source, layout, None, table, dict(mapping), conversion=conversion, where=where, combined=combined
    )


def _names(there: Mapping[str, bool], column: str) -> str | None:
    """Return what a path names that is written with brackets: one value or a list of them; ``None`` for nothing."""
    steps = steps_of(column)
    place = ".".join(step for step in steps if not step.isdecimal())
    if place not in there:
        return None
    return "list" if there[place] and not any(step.isdecimal() for step in steps) else "value"


def _preset_of(path: Path, layout: Layout, columns: list[str]) -> str:
    """Return the preset that a log fits.

    Raises
    ------
    InputError
        If it fits none.
    """
    if layout.is_json:
        return told_by_the_first_object(path, layout) or NATIVE
    found = fitting_preset(columns)
    if found is None and layout.kind is FileFormat.PARQUET:
        found = told_by_the_first_object(path, layout, native=None)
    if found is None and layout.is_text:
        lines = next(files.read_lines(path, 0, 1), None)
        for preset in JSON_PRESETS.values():
            value = preset.decode(lines.lines[0]) if lines and preset.decode else None
            if isinstance(value, dict) and preset.fits(value):
                return preset.name
    if found is None:
        presets = ", ".join(NAMES)
        why = f"{path.name} fits no preset: try crm-online replay --check {path.name}, or say --preset ({presets})"
        raise InputError(f"{why} or --map; its columns: {listed(columns)}")
    return found


def fitting_preset(columns: Sequence[str]) -> str | None:
    """Return the preset whose columns a table has; of an empty table, the first."""
    for name, table in TABLE_PRESETS.items():
        if table.fits(columns) or not columns:
            return name
    row = dict.fromkeys(columns, "")
    return next((name for name, preset in JSON_PRESETS.items() if preset.tables and preset.fits(row)), None)


def told_by_the_first_object(path: Path, layout: Layout, native: str | None = NATIVE) -> str | None:
    """Return the preset of a log of JSON: that of the first object that fits one, ``native`` if none does."""
    for value in first_objects(path, layout):
        if layout.is_json and _is_native(value):
            return NATIVE
        for preset in JSON_PRESETS.values():
            if preset.fits(value):
                return preset.name
    return native


def _is_native(value: Mapping[str, object]) -> bool:
    """Return whether an object looks like a native event: each has a customer, or items.

    A CloudEvent never does: names of its attributes have no underscores, and its items are in its data.
    """
    return str(value.get("type")) in KINDS and ("customer_id" in value or "items" in value)


def _separator(path: Path) -> str | None:
    """Return what separates the items of baskets: a comma if the first lines have any, else blanks."""
    first = next(files.read_lines(path, 0, 1000), None)
    return "," if first is not None and any(b"," in line for line in first.lines) else None


def _check_where(where: Where, columns: Sequence[str]) -> None:
    for column in where.columns:
        if columns and not has_column(columns, column):
            raise MissingColumn(
                f"--where {column}=…: no such column{meant(column, columns)}; the log has: {listed(columns)}"
            )
