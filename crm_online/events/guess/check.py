"""A log's first rows as they would be read, and the options to read it with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crm_online.errors import InputError, NothingAccepted
from crm_online.events.amounts import COMMA
from crm_online.events.first_rows import FIRST, NO_ROWS, FirstRows, first_objects, first_rows
from crm_online.events.formats import columns_of, detected_preset, reader_of
from crm_online.events.guess import lexicon
from crm_online.events.guess.columns import decimal_of, guess_columns
from crm_online.events.guess.lexicon import likeness
from crm_online.events.guess.time_formats import is_ambiguous, time_format_of
from crm_online.events.in_order import MOST_LATE, late
from crm_online.events.native import to_native
from crm_online.events.options import LogOptions
from crm_online.events.presets import BASKETS, JSON_PRESETS, NATIVE
from crm_online.events.presets.preset import listed
from crm_online.events.raw.layout import Layout, layout_of
from crm_online.events.raw.lines import as_text, read_lines
from crm_online.events.rejects import RejectTally
from crm_online.events.source import open_source

SHOWN = 10
_HEADER_LINES = 30


@dataclass(frozen=True, slots=True)
class Check:
    """What a log is read as.

    Attributes
    ----------
    path
        The log.
    options
        How it is best read.
    rows
        The first rows: native events, and what is none as ``{"rejected", "position", "raw"}``.
    looked_at, accepted, left_out
        How many rows were looked at, how many of them are events, and how many the filter leaves out.
    reasons
        How many of the others there are by reason.
    notes
        What there is to know before the log is read so.
    """

    path: Path
    options: LogOptions
    rows: list[dict[str, Any]]
    looked_at: int
    accepted: int
    left_out: int
    reasons: dict[str, int]
    notes: list[str]

    def arguments(self) -> list[str]:
        """Return the path and the options, as a command takes them."""
        return [str(self.path), *self.options.arguments()]

    def command(self, more: Sequence[str] = ()) -> str:
        """Return the command that reads the log so, quoted for a shell."""
        return shlex.join(["crm-online", "replay", *self.arguments(), *more])

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        options = self.options
        return {
            "path": str(self.path),
            **{"preset": options.preset, "map": dict(options.mapping) if options.mapping else None, "sep": options.sep},
            **{"time_format": options.time_format, "decimal": options.decimal},
            "where": [f"{column}={value}" for column, value in options.where],
            "in_order": options.in_order,
            **{"looked_at": self.looked_at, "accepted": self.accepted, "left_out": self.left_out},
            "rejected": sum(self.reasons.values()),
            "reject_reasons": self.reasons,
            "notes": self.notes,
            "rows": self.rows,
        }


def check(path: Path, options: LogOptions) -> Check:
    """Look at the first rows of a log, and guess the options that are not given.

    Parameters
    ----------
    path
        The log.
    options
        The options given; the rest is guessed.

    Raises
    ------
    InputError
        If it cannot be read, or nothing is found that would read it.
    """
    source = open_source(path)
    layout = layout_of(path)
    chosen, notes = _guessed_options(path, layout, options)
    reader = reader_of(path, source, chosen)
    chunk = next(reader.chunks(0, FIRST), None)
    if chunk is None:
        raise InputError(f"{path.name} has no rows")
    tally = RejectTally()
    rejects = {place: reader.reject(chunk.rows, place, *why) for place, why in sorted(chunk.refused.items())}
    tally.add(rejects.values())
    if not len(chunk.events):
        reasons = "; ".join(f"{why} ({count:,})" for why, count in list(tally.reasons.items())[:3])
        place, given = next(iter(rejects), 0), shlex.join(chosen.arguments()) or "no option"
        raise NothingAccepted(
            f"none of the first {chunk.rows.end:,} rows of {path.name} is an event, with {given}: {reasons}; "
            f"the first as read: {reader.as_read(chunk.rows, place)}; say --preset or --map"
        )
    if not chosen.in_order and (behind := late(chunk.events, None)) > MOST_LATE * len(chunk.events):
        chosen = replace(chosen, in_order=True)
        notes.append(
            f"{behind:,} of the rows lie more than a day behind others before them: --in-order sorts them first"
        )
    events = chunk.events.select(chunk.events.position < chunk.rows.begin + 10 * SHOWN)
    native = [json.loads(line) for line in to_native(events)]
    by_row: dict[int, dict[str, Any]] = dict(zip(events.position.tolist(), native, strict=True))
    for reject in rejects.values():
        by_row[reject.row] = {"rejected": reject.reason, "position": reject.position, "raw": reject.raw}
    shown = [by_row[row] for row in sorted(by_row)][:SHOWN]
    return Check(path, chosen, shown, chunk.rows.end, len(chunk.events), chunk.left_out, tally.reasons, notes)


def _guessed_options(path: Path, layout: Layout, options: LogOptions) -> tuple[LogOptions, list[str]]:
    """Return the options to read a log with, and what is to be known about them."""
    rows = NO_ROWS
    preset = options.preset
    if preset is None and not options.mapping:
        preset = _preset_of(path, layout, options)
    if preset in (BASKETS, NATIVE):
        return replace(options, preset=preset), []
    if layout.is_json or not (preset in JSON_PRESETS and JSON_PRESETS[preset].decode):
        rows = first_rows(path, layout, options.sep)
    if preset is not None:
        return _for_preset(replace(options, preset=preset), rows), []
    if not rows.count:
        raise InputError(f"{path.name} has no rows")
    guess = guess_columns(rows)
    mapping = options.mapping or guess.mapping or {}
    if "time" not in mapping:
        raise InputError(_no_time(path, layout, rows))
    time_format, decimal = options.time_format, options.decimal or guess.decimal
    if time_format is None:
        time_format = guess.time_format
        if options.mapping and mapping["time"] in rows.columns:
            time_format = time_format_of(rows.filled(mapping["time"]), comma=decimal == COMMA) or None
    where = options.where or guess.where
    chosen = LogOptions(None, mapping, options.sep, time_format, decimal, where, options.in_order)
    return chosen, _notes(chosen, rows)


def _preset_of(path: Path, layout: Layout, options: LogOptions) -> str | None:
    """Return the preset that a log fits, ``None`` for none."""
    columns = [] if layout.is_json else columns_of(path, layout, options.sep)
    found = detected_preset(path, layout, columns)
    if found or layout.is_json or not layout.is_text:
        return found
    first = next(read_lines(path, 0, 200), None)
    return BASKETS if first and _are_baskets(first.lines) else None


def _are_baskets(lines: Sequence[bytes]) -> bool:
    """Return whether lines seem to be baskets: of items without a header, since the first line's come again."""
    texts = [as_text(line).strip() for line in lines]
    sep = "," if any("," in text for text in texts) else None
    rows = [[item.strip() for item in text.split(sep)] for text in texts if text]
    if len(rows) < 3 or len({len(row) for row in rows}) < 3 or any(":" in item for row in rows[:20] for item in row):
        return False
    later = {item for row in rows[1:] for item in row}
    return sum(item in later for item in rows[0]) * 2 >= len(rows[0]) or len({len(row) for row in rows}) > 5


def _for_preset(options: LogOptions, rows: FirstRows) -> LogOptions:
    """Return the options of a preset, with how times and numbers are written where that is not as usual."""
    preset = JSON_PRESETS.get(options.preset or "")
    names, numbers = (preset.times, preset.numbers) if preset else ((), ())
    decimal = options.decimal
    if decimal is None and decimal_of([text for name in numbers for text in rows.texts(name)]) == COMMA:
        decimal = COMMA
    cells = next((rows.filled(name) for name in names if rows.filled(name)), [])
    time_format = options.time_format
    if time_format is None and cells:
        time_format = time_format_of(cells, comma=decimal == COMMA) or None
    return replace(options, time_format=time_format, decimal=decimal)


def _notes(options: LogOptions, rows: FirstRows) -> list[str]:
    mapping, notes = options.mapping or {}, []
    if "customer_id" not in mapping:
        notes.append("no column looks like a customer: baskets count for the rules, and for no customer")
    if "item" not in mapping:
        notes.append("no column looks like an item: lines count for spend only")
    if "basket_id" not in mapping:
        together = "+".join(mapping[name] for name in ("customer_id", "time") if name in mapping)
        say = f"; --map {shlex.quote(f'basket_id={together}')} makes one of what a customer buys at a time"
        notes.append(f"no column looks like an order: every row is a basket{say if '+' in together else ''}")
    times = rows.filled(mapping["time"])
    if options.time_format and times and is_ambiguous(options.time_format, times):
        notes.append(f"day and month could be the other way round: times are read as {options.time_format}")
    return notes if options.where else [*notes, *_states(rows)]


def _states(rows: FirstRows) -> list[str]:
    """Return a note on a column that says what became of orders, where nothing says which of it is no sale."""
    for name in rows.columns:
        found = list(dict.fromkeys(rows.texts(name))) if likeness(name, lexicon.STATUS) > 1 else []
        if 2 * sum(bool(lexicon.ORDER_STATE.search(state)) for state in found) < len(found):
            continue  # a State that is of a country, not of an order
        if len(found) > 1 and not any(lexicon.NO_SALE.search(state) for state in found):
            return [f"{name} has {listed(found)}: --where {shlex.quote(f'{name}={found[0]}')} would keep one of them"]
    return []


def _no_time(path: Path, layout: Layout, rows: FirstRows) -> str:
    """Return one line on a log in which nothing looks like a time."""
    if layout.is_json and (inner := _list_within(next(first_objects(path, layout), {}))):
        return (
            f"{path.name} has its rows in a list within an object: jq -c '.{inner}[]' {shlex.quote(path.name)} > "
            f"{shlex.quote(path.stem)}.jsonl writes them one a line; check that file"
        )
    line = _header_line(path) if layout.is_text else 0
    if line:
        return f"{path.name} has its header in line {line}: delete the lines above it, and check it again"
    return (
        f"nothing in {path.name} looks like a time: say --map time=COLUMN, or --preset baskets if each line is a "
        f"basket; its columns: {listed(list(rows.columns))}"
    )


def _list_within(value: Mapping[str, object]) -> str | None:
    """Return the path to the first list of objects in an object, ``None`` if there is none."""
    for name, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(one, Mapping) for one in inner):
            return name
        if isinstance(inner, Mapping) and (rest := _list_within(inner)):
            return f"{name}.{rest}"
    return None


def _header_line(path: Path) -> int:
    """Return the number of a line that is rather the header than the first; 0 for none."""
    first = next(read_lines(path, 0, _HEADER_LINES), None)
    best, found = 0, 0
    for number, line in enumerate(first.lines if first else [], 1):
        text = as_text(line)
        for sep in ",;\t|":
            cells = [cell.strip(' "') for cell in text.split(sep)]
            fits = sum(any(likeness(cell, names) > 1 for names in lexicon.FIELDS.values()) for cell in cells)
            if fits > max(best, 2):
                best, found = fits, number
    return found if found > 1 else 0
