"""Anybody's tables: ``--map FIELD=COLUMN`` says which native field is in which column."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_online.errors import InputError
from crm_online.events.cells import NO_TIME, Names, as_name, number_of, numbers_of, time_text, times_of
from crm_online.events.columns import Kind
from crm_online.events.presets.preset import TablePreset
from crm_online.events.table import OrderLines
from crm_online.hint import hint

FIELDS = (
    *("event_id", "type", "customer_id", "time", "basket_id", "item", "quantity", "price", "amount"),
    *("score", "text", "channel", "reason", "name", "value", "attributes"),
)
"""The fields that a column can be mapped to: the native ones, and ``amount``, the price of all pieces of a line.

``type`` is ``purchase`` where it is not mapped, and ``return`` where the quantity is below 0.
"""
LINE = ("item", "quantity", "price", "amount")
"""Fields of a line."""
_LINES = {"purchase": Kind.PURCHASE, "return": Kind.RETURN}
_NUMBERS = {"score", "quantity", "price", "amount"}
_WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)


def check_fields(mapping: Mapping[str, str]) -> None:
    """Raise if a mapping cannot be one.

    Raises
    ------
    InputError
        If a native field is not known, or time is not mapped.
    """
    for name in mapping:
        if name not in FIELDS:
            raise InputError(f"--map {name}=…: no such field; {hint(name, FIELDS)}")
    if "time" not in mapping:
        raise InputError("--map needs time=COLUMN: every event has a time")
    if "price" in mapping and "amount" in mapping:
        raise InputError("--map price= and amount= say the same thing: price is of one piece, amount of all of a line")


def preset_of(mapping: Mapping[str, str]) -> TablePreset:
    """Return the preset of a mapping from native fields to columns.

    Raises
    ------
    InputError
        If a field is not known, or time is not mapped.
    """
    check_fields(mapping)
    return TablePreset("--map", {name: (column,) for name, column in mapping.items()}, _lines)


def written(value: object) -> str | None:
    """Return how a name is written: as people write it, so that 123.0 is 123.

    Examples
    --------
    >>> written("123.0"), written(123.0), written("1.5"), written(" tea ")
    ('123', '123', '1.5', 'tea')
    """
    text = as_name(value)
    whole = _WHOLE.fullmatch(text) if text else None
    return whole[1] if whole else text


def _lines(table: pd.DataFrame, folder: Path) -> OrderLines:
    n = len(table)

    def names(role: str) -> Names:
        return Names.of(table[role], written) if role in table else Names.none(n)

    def numbers(role: str, default: float) -> NDArray[np.float64]:
        if role not in table:
            return np.full(n, default)
        found = numbers_of(table[role])
        return np.where(names(role).codes < 0, default, found) if np.isnan(found).any() else found

    types = names("type")
    kinds = np.array([_LINES.get(name.lower(), 255) for name in types.names] + [Kind.PURCHASE], np.uint8)
    kind = kinds[types.codes] if "type" in table else np.full(n, Kind.PURCHASE, np.uint8)
    quantity, price = numbers("quantity", 1.0), numbers("price", 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if "amount" in table:
            price = numbers("amount", 0.0) / np.where(quantity == 0, 1.0, quantity)
        if "type" not in table:
            back = quantity < 0
            kind[back] = Kind.RETURN
            quantity, price = np.where(back, -quantity, quantity), np.where(back, np.abs(price), price)
    # What is no order line goes through the models, row by row.
    quantity = np.where(kind == 255, np.nan, quantity)
    lines = OrderLines(
        kind=kind,
        customer=names("customer_id"),
        basket=names("basket_id"),
        item=names("item"),
        time=times_of(table["time"]),
        quantity=quantity,
        price=price,
        raw=lambda row: _raw(table, lines, row),
        event=names("event_id") if "event_id" in table else None,
    )
    return lines


def _raw(table: pd.DataFrame, lines: OrderLines, row: int) -> Mapping[str, object]:
    here: dict[str, object] = {}
    for role in table.columns:
        value = table[role].iloc[row]
        text = None if pd.isna(value) else written(value)
        if text is not None:
            number = number_of(value) if role in _NUMBERS else math.nan
            here[role] = text if math.isnan(number) else number
    if "time" in here and lines.time[row] != NO_TIME:
        here["time"] = time_text(int(lines.time[row]), here["time"])
    event = event_of_fields(here, typed="type" in table)
    if event["type"] == "profile" and isinstance(event.get("attributes"), str):
        with contextlib.suppress(ValueError, RecursionError):  # the models say what is wrong with it
            event["attributes"] = json.loads(str(event["attributes"]))
    return event


def event_of_fields(fields: dict[str, object], *, typed: bool) -> dict[str, object]:
    """Return the native event of fields of which those of a line may be lists, one of each line.

    Parameters
    ----------
    fields
        Values that are there, by field; numbers and time as the models read them.
    typed
        Whether the log says of which type events are; if not, lines with quantities below 0 are a return.

    Raises
    ------
    ValueError
        If lists that belong together have different lengths.
    """
    columns = {name: fields.pop(name) for name in LINE if name in fields}
    kind = str(fields.get("type", "purchase")).lower()
    event = {**fields, "type": kind}
    if kind not in _LINES:
        return event | {name: part for name, part in columns.items() if not isinstance(part, list)}
    lengths = {len(part) for part in columns.values() if isinstance(part, list)} or {1}
    if len(lengths) > 1:
        raise ValueError("lists of different lengths where items, quantities and prices belong together")
    lines = [_line(columns, place) for place in range(lengths.pop())]
    if not typed and lines and all(_is_negative(line.get("quantity")) for line in lines):
        event["type"] = "return"
        lines = [
            line | {name: _absolute(line[name]) for name in ("quantity", "price") if name in line} for line in lines
        ]
    return event | {"items": lines}


def _line(columns: Mapping[str, object], place: int) -> dict[str, object]:
    line = {name: part[place] if isinstance(part, list) else part for name, part in columns.items()}
    amount, quantity = line.pop("amount", None), line.get("quantity", 1)
    if amount is not None:
        shared = isinstance(amount, int | float) and isinstance(quantity, int | float) and quantity
        line["price"] = amount / quantity if shared else amount  # type: ignore[operator]
    return {"item": None, **{name: part for name, part in line.items() if part is not None}}


def _is_negative(quantity: object) -> bool:
    return isinstance(quantity, int | float) and quantity < 0


def _absolute(value: object) -> object:
    return abs(value) if isinstance(value, int | float) else value
