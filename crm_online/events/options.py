"""How a log is to be read: the options of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The options of a log; whatever is ``None`` goes by the file.

    Attributes
    ----------
    preset
        One of :data:`crm_online.events.presets.NAMES`.
    mapping
        Columns by native field, instead of a preset.
    sep
        What separates columns, or the items of a basket.
    time_format
        How times are written, see :class:`crm_online.events.time_format.TimeFormat`; ``None`` for ISO 8601 and
        what is near it.
    decimal
        What stands before decimals: ``.`` or ``,``.
    where
        Pairs of a column and a value: only rows with that value are read, or without it where the column's name is
        followed by ``!``; several values of one column are alternatives.
    in_order
        Whether the rows are read in order of time, and not as they come.
    """

    preset: str | None = None
    mapping: Mapping[str, str] | None = None
    sep: str | None = None
    time_format: str | None = None
    decimal: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    in_order: bool = False

    def arguments(self) -> list[str]:
        """Return the options as a command takes them."""
        texts = (("--sep", self.sep), ("--time-format", self.time_format), ("--decimal", self.decimal))
        found = [] if self.preset in (None, "native") else ["--preset", str(self.preset)]
        found += [word for name, column in (self.mapping or {}).items() for word in ("--map", f"{name}={column}")]
        found += [word for option, value in texts if value for word in (option, value.replace("\t", r"\t"))]
        found += [word for column, value in self.where for word in ("--where", f"{column}={value}")]
        return found + ["--in-order"] * self.in_order


NO_OPTIONS = LogOptions()
"""No options: all goes by the file."""
