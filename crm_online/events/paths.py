"""Places in JSON objects: ``customer.id`` is the id in the customer, ``items.sku`` the sku of each of the items."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BRACKETS = re.compile(r"\[(\d*)\]")
_DEEPEST = 6
MISSING = object()
"""What is at a place that an object does not have."""


def steps_of(path: str) -> list[str]:
    """Return the steps of a path; ``a[0].b`` is ``a.0.b``, and ``a[].b`` is ``a.b``.

    Examples
    --------
    >>> steps_of("items[0].sku"), steps_of("items[].sku")
    (['items', '0', 'sku'], ['items', 'sku'])
    """
    return [step for step in _BRACKETS.sub(r".\1", path).split(".") if step]


def at(value: Mapping[str, object], path: str) -> object:
    """Return what an object has at a path, ``MISSING`` for nothing; of all members of a list, as a list.

    Examples
    --------
    >>> order = {"customer": {"id": 7}, "lines": [{"sku": "a"}, {"sku": "b"}], "a.b": 1}
    >>> at(order, "customer.id"), at(order, "lines.sku"), at(order, "lines[1].sku"), at(order, "a.b")
    (7, ['a', 'b'], 'b', 1)
    """
    if path in value:
        return value[path]
    return _at(value, steps_of(path))


def _at(part: object, steps: list[str]) -> object:
    for place, step in enumerate(steps):
        if isinstance(part, Mapping):
            if step not in part:
                return MISSING
            part = part[step]
        elif isinstance(part, list):
            if not step.isdecimal():
                found = [_at(one, steps[place:]) for one in part]
                return [None if one is MISSING else one for one in found] if _any(found) or not part else MISSING
            if int(step) >= len(part):
                return MISSING
            part = part[int(step)]
        else:
            return MISSING
    return part


def _any(found: list[object]) -> bool:
    return any(one is not MISSING for one in found)


def leaves(value: Mapping[str, object]) -> dict[str, bool]:
    """Return the paths to all that an object holds, in order; whether each goes through a list.

    Examples
    --------
    >>> leaves({"id": 1, "customer": {"id": 7}, "lines": [{"sku": "a"}]})
    {'id': False, 'customer.id': False, 'lines.sku': True}
    """
    found: dict[str, bool] = {}

    def walk(path: str, part: object, listed: bool, depth: int) -> None:
        if isinstance(part, Mapping) and part and depth < _DEEPEST:
            for name, inner in part.items():
                walk(f"{path}.{name}" if path else name, inner, listed, depth + 1)
        elif isinstance(part, list) and part and isinstance(part[0], Mapping) and depth < _DEEPEST:
            for one in part[:20]:
                walk(path, one, True, depth + 1)
        elif path:
            found[path] = found.get(path, False) or listed

    walk("", value, False, 0)
    return found
