"""JSON into events: the lines of a log, or one value that something else has decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd
from pydantic import ValidationError
from pydantic_core import from_json

from crm_online.events import files, models, paths
from crm_online.events.files import RawRows
from crm_online.events.presets.preset import JsonPreset, Refusal

Refused = dict[int, tuple[str, str | None]]
"""By row of a chunk, why it is no event, and the native field at fault."""


def event_of(value: object, preset: JsonPreset | None = None) -> models.Event | Refusal:
    """Return the event that a decoded JSON value is, or why it is none; of any value, without raising.

    Parameters
    ----------
    value
        What a JSON reader made.
    preset
        Whose object it is; ``None`` for a native event.

    Examples
    --------
    >>> event_of({"type": "erase", "time": "2024-01-01", "customer_id": "c7"})
    Erase(event_id=None, time=1704067200000, customer_id='c7', type='erase')
    >>> event_of([1])
    Refusal(reason='not a JSON object', field=None)
    """
    if not isinstance(value, dict):
        return Refusal("not a JSON object")
    native = preset.event(value) if preset else value
    if isinstance(native, Refusal):
        return native
    try:
        return models.EVENT.validate_python(native)
    except ValidationError as error:
        return Refusal(*models.first_problem(error))


def decoded(line: bytes) -> object:
    """Return the value of a line, or a :class:`~crm_online.events.presets.preset.Refusal`.

    It is read as pydantic reads native events: to a depth of 200, without NaN and infinity, without halves of
    surrogate pairs, which the standard library would all let through.
    """
    try:
        value: object = from_json(files.as_text(line), allow_inf_nan=False)
    except ValueError:
        return Refusal("not JSON")
    return value


def whole_lines(rows: RawRows, refused: Refused) -> dict[int, bytes]:
    """Return the lines that may be events, by place; empty ones are refused."""
    for place, line in enumerate(rows.lines):
        if not line.strip():
            refused.setdefault(place, Refusal("an empty line"))
    return {place: line.strip() for place, line in enumerate(rows.lines) if place not in refused}


def native_events(lines: Mapping[int, bytes], refused: Refused) -> dict[int, models.Event]:
    """Return the events of native lines, by place; what is none is refused.

    Each line is validated by itself: joined to one array, which is no faster, lines could share an event.
    """
    events: dict[int, models.Event] = {}
    for place, line in lines.items():
        try:
            events[place] = models.EVENT.validate_json(files.as_text(line))
        except ValidationError as error:
            refused[place] = models.first_problem(error)
    return events


def json_table(rows: RawRows, columns: list[str], refused: Refused) -> pd.DataFrame:
    """Return what JSON lines have at some paths as a table; a column that no line has is empty."""
    found: list[dict[str, object]] = [{}] * len(rows.lines)
    for place, line in whole_lines(rows, refused).items():
        try:
            value = json.loads(files.as_text(line), parse_constant=_no_number)
        except (ValueError, RecursionError):
            refused[place] = Refusal("not JSON")
            continue
        if isinstance(value, dict):
            found[place] = {name: _at(value, name) for name in columns}
        else:
            refused[place] = Refusal("not a JSON object")
    return pd.DataFrame(found, columns=columns, dtype=object)


def _at(value: Mapping[str, object], path: str) -> object:
    part = paths.at(value, path)
    return None if part is paths.MISSING else part


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
