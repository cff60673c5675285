"""Members of objects, as the presets of tools read them: whatever they hold, nothing is raised."""

from __future__ import annotations

from collections.abc import Mapping

from crm_online.events import times
from crm_online.events.cells import number_of, time_text
from crm_online.events.presets.mapped import written

Object = Mapping[str, object]
_LARGEST = 10**18


def first(value: object, *names: str) -> object:
    """Return the first member of an object that is not empty; ``None`` if there is none, or it is no object."""
    if not isinstance(value, Mapping):
        return None
    return next((value[name] for name in names if value.get(name) not in (None, "")), None)


def identity(value: object) -> object:
    """Return an id as people write it; what is no text and no number is left for the models to refuse."""
    plain = isinstance(value, str | float) or (isinstance(value, int) and abs(value) < _LARGEST)
    return written(value) if plain and not isinstance(value, bool) else value


def number(value: object) -> float | None:
    """Return a number, ``None`` for anything else."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    found = number_of(value)
    return None if found != found else found


def amount(value: object) -> object:
    """Return a number; what is none is left for the models to refuse."""
    found = number(value)
    return value if found is None else found


def time(value: object) -> object:
    """Return a time as ISO 8601; what is none is left for the models to refuse."""
    return time_text(times.from_cell(value), value) if isinstance(value, str) else value


def since_1970(value: object, unit: float) -> object:
    """Return a count since 1970 as ISO 8601, of a unit in ms; what is none is left for the models to refuse."""
    count = number(value)
    ms = -1.0 if count is None else count * unit
    return times.to_iso(int(ms)) if times.BEGIN <= ms < times.END else value


def line(item: object, quantity: object, price: object) -> dict[str, object]:
    """Return a line of an order; without quantity or price it has the models' defaults."""
    return {"item": identity(item), **given(quantity=amount(quantity), price=amount(price))}


def given(**fields: object) -> dict[str, object]:
    """Return the fields that are there."""
    return {name: value for name, value in fields.items() if value is not None}
