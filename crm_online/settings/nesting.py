"""Settings as one flat dict by dotted key, and as nested dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dicts as one, by dotted key.

    Examples
    --------
    >>> flattened({"segments": {"k": 6}})
    {'segments.k': 6}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict by dotted key as nested dicts.

    Examples
    --------
    >>> nested({"segments.k": 6})
    {'segments': {'k': 6}}
    """
    values: dict[str, Any] = {}
    for key, value in flat.items():
        *folders, name = key.split(".")
        place = values
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return values
