"""One customer as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, count, number, quantity, share, table, time


def customer_tables(found: Mapping[str, Any], names: Mapping[str, str]) -> list[RenderableType]:
    """Return who the customer is, the features, how far each segment is, and the last moves.

    Parameters
    ----------
    found
        The look-up's answer.
    names
        The segments' names by id.
    """
    parts: list[RenderableType] = [
        f"Customer {plain(found['customer_id'])}: {_segment(found['segment'], names)}"
        + (f" since {time(found['since'])}" if found["since"] is not None else "")
        + f" · {count(found['events'], 'event')}, the last at {time(found['last_event'])}",
        _features(found["features"]),
    ]
    if found["predictions"]:
        parts.append(_predictions(found["predictions"]))
    if found["distances"]:
        parts.append(_distances(found["distances"], names))
    if found["history"]:
        parts.append(_history(found["history"], names))
    return parts


def held_table(held: Mapping[str, Any]) -> RenderableType:
    """Return how much is held of a customer, of each kind."""
    rows = table(f"what is held of {plain(held['customer_id'])}", partition=FIGURE, what=WORD, **{"how many": FIGURE})
    for part in held["partitions"]:
        for name, value in part.items():
            if name != "partition":
                size = len(value) if isinstance(value, list) else 1
                rows.add_row(str(part["partition"]), name.replace("_", " "), number(size))
    return rows


def _predictions(predicted: Mapping[str, Any]) -> RenderableType:
    within = quantity(predicted["horizon_days"], "days")
    rows = table(f"what is predicted within {within}", **{"what": TEXT, "value": FIGURE})
    rows.add_row("chance of a purchase", share(predicted["purchase"]))
    rows.add_row("expected purchases, by when they bought alone", number(predicted["expected_purchases"]))
    rows.add_row("expected value, by when they bought alone", number(predicted["expected_value"]))
    for target, chance in predicted["targets"].items():
        rows.add_row(f"chance of {plain(target)}", share(chance))
        if band := predicted["target_bands"][target]:
            rows.add_row(f"reported in its band {band}", "")
    for why in predicted["reasons"]:
        rows.add_row(f"because the customer {plain(why)}", "")
    return rows


def _segment(segment: str | None, names: Mapping[str, str]) -> str:
    """Return a segment's name with its id, unless that is part of the name; one that is gone has only the id."""
    if segment is None:
        return "no segment"
    name = names.get(segment)
    if name is None:
        return plain(segment)
    return plain(name if name.endswith(f"({segment})") else f"{name} ({segment})")


def _features(features: Mapping[str, float | None]) -> RenderableType:
    from crm_online.customers.registry import FEATURES

    rows = table("features", feature=WORD, value=FIGURE, **{"what it is": TEXT})
    for name, value in features.items():
        known = FEATURES.get(name)
        rows.add_row(name, quantity(value, known.unit if known else ""), known.about if known else "")
    return rows


def _distances(distances: Mapping[str, float], names: Mapping[str, str]) -> RenderableType:
    rows = table("how near the segments are, the nearest first", segment=TEXT, distance=FIGURE)
    for segment, distance in sorted(distances.items(), key=lambda item: (item[1], item[0])):
        rows.add_row(_segment(segment, names), number(distance))
    return rows


def _history(history: list[Mapping[str, Any]], names: Mapping[str, str]) -> RenderableType:
    rows = table("last moves", **{"time": WORD, "from": TEXT, "to": TEXT, "reason": WORD})
    for move in history:
        rows.add_row(time(move["time"]), _segment(move["from"], names), _segment(move["to"], names), move["reason"])
    return rows
