"""Anybody's JSON whose order lines are in a list: ``--map item=lines.sku`` makes one event of each object."""

from __future__ import annotations

from collections.abc import Mapping

from crm_online.events import paths
from crm_online.events.cells import time_text
from crm_online.events.conversion import Conversion
from crm_online.events.presets.mapped import LINE, check_fields, event_of_fields, written
from crm_online.events.presets.preset import JsonPreset, Refusal
from crm_online.events.times import from_cell


def objects_preset(mapping: Mapping[str, str], conversion: Conversion) -> JsonPreset:
    """Return the preset of a mapping from native fields to places in JSON objects.

    Raises
    ------
    InputError
        If a field is not known, or time is not mapped.
    """
    check_fields(mapping)

    def value_of(name: str, part: object) -> object:
        if name in LINE and name != "item":
            return [conversion.number_of(one) for one in part] if isinstance(part, list) else conversion.number_of(part)
        return [_plain(one) for one in part] if name == "item" and isinstance(part, list) else _plain(part)

    def event(value: Mapping[str, object]) -> Mapping[str, object] | Refusal:
        found = {name: paths.at(value, path) for name, path in mapping.items()}
        found = {name: part for name, part in found.items() if part is not paths.MISSING}
        fields = {name: value_of(name, part) for name, part in found.items() if part is not None}
        fields["time"] = _time(fields.get("time"), conversion)
        try:
            return event_of_fields(fields, typed="type" in found)
        except ValueError as error:
            return Refusal(str(error), "items")

    return JsonPreset("--map", event, fits=lambda value: False)


def _plain(value: object) -> object:
    return written(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _time(value: object, conversion: Conversion) -> object:
    found = conversion.time_of(value)
    return found if found is None or isinstance(found, dict | list) else time_text(from_cell(found), found)
