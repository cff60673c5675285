"""What a preset is: one that reads tables, and one that reads JSON objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from crm_online.errors import MissingColumn
from crm_online.events.table import OrderLines
from crm_online.hint import hint


@dataclass(frozen=True, slots=True)
class TablePreset:
    """Reads order lines from the tables of one kind of shop.

    Attributes
    ----------
    name
        What it is called on the command line.
    columns
        By role, the names that the column may have, the first that is there counts.
    optional
        Roles whose column need not be there.
    lines
        Takes a table whose columns are the roles, and the folder of the log, and reads the lines.
    times, numbers
        Roles whose cells are converted by the options on times and numbers.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    lines: Callable[[pd.DataFrame, Path], OrderLines]
    optional: frozenset[str] = frozenset()
    times: tuple[str, ...] = ("time",)
    numbers: tuple[str, ...] = ("quantity", "price", "amount", "score")

    def found(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the column of each role.

        Raises
        ------
        MissingColumn
            If a role that is needed has none; it names the columns that there are.
        """
        chosen = {}
        for role, names in self.columns.items():
            here = [name for name in names if has_column(columns, name)]
            if here:
                chosen[role] = here[0]
            elif role not in self.optional:
                needed, near = " or ".join(names), meant(names[-1], columns)
                raise MissingColumn(f"{self.option} needs a column {needed}{near}; the log has: {listed(columns)}")
        return chosen

    @property
    def option(self) -> str:
        """The option by which it is chosen."""
        return self.name if self.name.startswith("--") else f"preset {self.name}"

    def fits(self, columns: Sequence[str]) -> bool:
        """Return whether all columns that are needed are there."""
        roles = self.columns.keys() - self.optional
        return all(any(name in columns for name in self.columns[role]) for role in roles)


class Refusal(NamedTuple):
    """Why something is no event.

    Attributes
    ----------
    reason
        Why, in words.
    field
        The native field at fault, such as ``items.0.price``; None when it is the whole.
    """

    reason: str
    field: str | None = None


class Fill(NamedTuple):
    """Cells that only the first row of an order has: the next rows of the same order get them too.

    Attributes
    ----------
    by
        The column of the order; an empty cell is the order before.
    columns
        What is filled.
    """

    by: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JsonPreset:
    """Reads events from the objects of one kind of tool: one object, one event.

    Objects are those of JSON, and rows of tables too if it says so: the cells that are not empty, by column.

    Attributes
    ----------
    name
        What it is called on the command line.
    event
        Takes an object and returns the native event that it is, for the models to validate, or says why
        it is none. It never raises, whatever the object holds, and leaves values that it cannot read as
        they are: what is wrong with them is for the models to say.
    fits
        Whether an object looks like one of this tool. Native events do not. Of a table it gets all columns.
    tables
        Whether rows of tables are objects for it.
    times, numbers
        Members that are converted by the options on times and numbers.
    fill
        What the rows of an order have in common.
    decode
        Reads a line that need not be JSON; ``None`` for JSON.
    """

    name: str
    event: Callable[[Mapping[str, object]], Mapping[str, object] | Refusal]
    fits: Callable[[Mapping[str, object]], bool]
    tables: bool = False
    times: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    fill: Fill | None = None
    decode: Callable[[bytes], object] | None = None


def has_column(columns: Sequence[str], name: str) -> bool:
    """Return whether a table has a column, or all that ``Date+Time`` names together."""
    return name in columns or ("+" in name and all(part in columns for part in name.split("+")))


def meant(name: str, known: Sequence[str]) -> str:
    """Return a question after the name that was probably meant; nothing if none is near."""
    near = hint(name, known) if known else ""
    return f" ({near})" if near.startswith("did you mean") else ""


def listed(columns: Sequence[str]) -> str:
    r"""Return the first columns of a log as one line, whatever their names are.

    Examples
    --------
    >>> listed(["who", "two\nlines"])
    "who, 'two\\nlines'"
    """
    shown = [name if name.isprintable() else repr(name) for name in (name[:40] for name in columns[:20])]
    return ", ".join(shown) + (", …" if len(columns) > 20 else "") or "none"
