"""Presets: how the logs of known shops and tools are read, one file each.

To add one, add a file with a module-level ``PRESET`` and name it in ``PRESETS`` below.
"""

from __future__ import annotations

from crm_online.events.presets.complete_journey import PRESET as COMPLETE_JOURNEY
from crm_online.events.presets.online_retail import PRESET as ONLINE_RETAIL
from crm_online.events.presets.preset import TablePreset

PRESETS: dict[str, TablePreset] = {preset.name: preset for preset in (ONLINE_RETAIL, COMPLETE_JOURNEY)}
"""Presets that read tables, by name."""

NATIVE = "native"
BASKETS = "baskets"
NAMES: tuple[str, ...] = (NATIVE, *PRESETS, BASKETS)
"""All presets."""

__all__ = ["BASKETS", "NAMES", "NATIVE", "PRESETS", "TablePreset"]
