"""Presets: how the logs of known shops and tools are read, one file each.

To add one, add a file with a module-level ``PRESET`` to this folder: a
:class:`~crm_online.events.presets.preset.TablePreset` for the tables of a shop, or a
:class:`~crm_online.events.presets.preset.JsonPreset` for the JSON lines of a tool.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from crm_online.events.presets.preset import JsonPreset, Refusal, TablePreset

NATIVE = "native"
BASKETS = "baskets"


def _found() -> dict[str, TablePreset | JsonPreset]:
    presets: dict[str, TablePreset | JsonPreset] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        preset = getattr(import_module(f"{__name__}.{module}"), "PRESET", None)
        if preset is None:
            continue
        if not isinstance(preset, TablePreset | JsonPreset):
            raise TypeError(f"the PRESET of {module} is neither a TablePreset nor a JsonPreset")
        if preset.name in (NATIVE, BASKETS, *presets):
            raise TypeError(f"there are two presets of the name {preset.name}")
        presets[preset.name] = preset
    return presets


PRESETS: dict[str, TablePreset | JsonPreset] = _found()
"""Presets by name, in the order of their files."""

TABLE_PRESETS: dict[str, TablePreset] = {n: one for n, one in PRESETS.items() if isinstance(one, TablePreset)}
JSON_PRESETS: dict[str, JsonPreset] = {n: one for n, one in PRESETS.items() if isinstance(one, JsonPreset)}

NAMES: tuple[str, ...] = (NATIVE, *PRESETS, BASKETS)
"""All presets."""

__all__ = [
    "BASKETS",
    "JSON_PRESETS",
    "NAMES",
    "NATIVE",
    "PRESETS",
    "TABLE_PRESETS",
    "JsonPreset",
    "Refusal",
    "TablePreset",
]
