"""Anybody's JSON whose order lines are in a list: ``--map item=lines.sku`` makes one event of each object."""

from __future__ import annotations

from collections.abc import Mapping

from crm_online.events import paths
from crm_online.events.cells import time_text
from crm_online.events.conversion import Conversion
from crm_online.events.presets.mapped import check_fields, written
from crm_online.events.presets.preset import JsonPreset, Refusal
from crm_online.events.times import from_cell

LINE = ("item", "quantity", "price", "amount")
"""Fields of a line."""


def objects_preset(mapping: Mapping[str, str], conversion: Conversion) -> JsonPreset:
    """Return the preset of a mapping from native fields to places in JSON objects.

    Raises
    ------
    InputError
        If a field is not known, or time is not mapped.
    """
    check_fields(mapping)

    def event(value: Mapping[str, object]) -> Mapping[str, object] | Refusal:
        found = {name: paths.at(value, path) for name, path in mapping.items()}
        return _event({name: part for name, part in found.items() if part is not paths.MISSING}, conversion)

    return JsonPreset("--map", event, fits=lambda value: False)


def _event(found: dict[str, object], conversion: Conversion) -> Mapping[str, object] | Refusal:
    columns = {name: found.pop(name) for name in LINE if found.get(name) is not None}
    event: dict[str, object] = {name: _plain(part) for name, part in found.items() if part is not None}
    event["time"] = _time(event.get("time"), conversion)
    kind = str(event.get("type", "purchase")).lower()
    event["type"] = kind
    if kind not in ("purchase", "return"):
        return {**event, **{name: part for name, part in columns.items() if not isinstance(part, list)}}
    lengths = {len(part) for part in columns.values() if isinstance(part, list)}
    if len(lengths) > 1:
        return Refusal("lists of different lengths where items, quantities and prices belong together", "items")
    lines = [_line(columns, place, conversion) for place in range(lengths.pop() if lengths else 1)]
    if "type" not in found and lines and all(_negative(line) for line in lines):
        event["type"] = "return"
        lines = [
            {**line, **{name: _absolute(line[name]) for name in line.keys() & {"quantity", "price"}}} for line in lines
        ]
    return {**event, "items": lines}


def _line(columns: Mapping[str, object], place: int, conversion: Conversion) -> dict[str, object]:
    line = {name: part[place] if isinstance(part, list) else part for name, part in columns.items()}
    line = {name: _plain(part) if name == "item" else conversion.number_of(part) for name, part in line.items()}
    amount, quantity = line.pop("amount", None), line.get("quantity", 1)
    if amount is not None:
        whole = isinstance(amount, int | float) and isinstance(quantity, int | float) and quantity
        line["price"] = amount / quantity if whole else amount  # type: ignore[operator]
    return {"item": None, **{name: part for name, part in line.items() if part is not None}}


def _plain(value: object) -> object:
    return written(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _time(value: object, conversion: Conversion) -> object:
    found = conversion.time_of(value)
    return found if found is None or isinstance(found, dict | list) else time_text(from_cell(found), found)


def _negative(line: Mapping[str, object]) -> bool:
    quantity = line.get("quantity")
    return isinstance(quantity, int | float) and quantity < 0


def _absolute(value: object) -> object:
    return abs(value) if isinstance(value, int | float) else value
