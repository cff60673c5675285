"""What a benchmark found: figures with their targets, as a table and as JSON."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from rich.table import Table


class LeftOutError(Exception):
    """A benchmark cannot run on this machine; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes
    ----------
    name
        What was measured.
    value
        How much it is.
    unit
        ``×`` for a ratio, ``µs``, ``s``, ``bytes``, ``%`` or nothing.
    least, most
        The target: not less than, or not more than; ``None`` where there is none.
    """

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def verdict(self) -> str:
        """``pass`` or ``short``; nothing where there is no target."""
        if self.least is None and self.most is None:
            return ""
        enough = (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)
        return "pass" if enough else "short"

    @property
    def target(self) -> str:
        """The target, as people write it."""
        if self.least is not None:
            return f"≥ {_plain(self.least)}{_spaced(self.unit)}"
        return f"≤ {_plain(self.most)}{_spaced(self.unit)}" if self.most is not None else ""

    @property
    def text(self) -> str:
        """The value with its unit."""
        return f"{_plain(self.value)}{_spaced(self.unit)}"

    def as_dict(self) -> dict[str, object]:
        """Return the figure as JSON values."""
        shown = {"figure": self.name, "value": self.value, "unit": self.unit}
        limits = {"at_least": self.least, "at_most": self.most, "verdict": self.verdict or None}
        return shown | {name: value for name, value in limits.items() if value is not None}


@dataclass(slots=True)
class Report:
    """The figures of one benchmark.

    Attributes
    ----------
    title
        What was compared with what.
    figures
        In the order in which they are shown.
    notes
        What a reader must know to judge them.
    """

    title: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, value: float, unit: str = "", *, least: float | None = None, most: float | None = None
    ) -> None:
        """Add a figure."""
        self.figures.append(Figure(name, float(value), unit, least, most))

    def value(self, name: str) -> float:
        """Return a figure's value."""
        return next(figure.value for figure in self.figures if figure.name == name)

    @property
    def short(self) -> list[Figure]:
        """The figures that miss their target."""
        return [figure for figure in self.figures if figure.verdict == "short"]

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {"title": self.title, "figures": [figure.as_dict() for figure in self.figures], "notes": self.notes}

    def table(self) -> Table:
        """Return the report as a table for a terminal."""
        table = Table(title=self.title, title_justify="left", caption="\n".join(self.notes), caption_justify="left")
        table.add_column("figure", overflow="fold")
        for name in ("measured", "target"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("")
        style = {"pass": "green", "short": "bold red", "": ""}
        for figure in self.figures:
            table.add_row(figure.name, figure.text, figure.target, figure.verdict, style=style[figure.verdict])
        return table


def load_note() -> str:
    """Say how busy the machine is, and on how many processors."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} processors, load {one:.1f} (1 min) and {five:.1f} (5 min)"


def _plain(value: float) -> str:
    if value == round(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""
