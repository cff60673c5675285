"""How a log is to be read: what somebody says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What is said about a log; whatever is ``None`` goes by the file.

    Attributes
    ----------
    preset
        One of :data:`crm_online.events.presets.NAMES`.
    mapping
        Columns by native field, instead of a preset.
    sep
        What separates columns, or the items of a basket.
    """

    preset: str | None = None
    mapping: Mapping[str, str] | None = None
    sep: str | None = None


AS_IT_IS = LogOptions()
"""Nothing is said: all goes by the file."""
