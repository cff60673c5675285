"""Recommendations as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.rules import items
from crm_online.cli.tables.words import FIGURE, TEXT, Prose, number, share, table


def recommend_table(found: Mapping[str, Any], names: Mapping[str, str]) -> list[RenderableType]:
    """Return the items recommended, the best first, each with why; before them what is not known.

    Parameters
    ----------
    found
        The look-up's answer.
    names
        The segments' names by id.
    """
    parts: list[RenderableType] = []
    if found["unknown"]:
        parts.append(f"In no basket so far: {', '.join(map(plain, found['unknown']))}")
    if found["customer_id"] is not None:
        parts.append(_customer(found, names))
    if not found["items"]:
        return [*parts, "Nothing to recommend: no basket was counted that has anything else"]
    rows = table(
        _title(found),
        **{"": FIGURE, "item": {**TEXT, "ratio": 2}, "score": FIGURE, "why": {**TEXT, "ratio": 4}},
        **dict.fromkeys(("support", "confidence", "lift"), FIGURE),
    )
    for one in found["items"]:
        because = one["because"]
        rows.add_row(
            str(one["rank"]),
            plain(one["item"]),
            number(round(one["score"], 4)),
            Prose(plain(because["text"])),
            share(because["support"]),
            share(because["confidence"]),
            number(round(because["lift"], 2)),
        )
    return [*parts, rows]


def _title(found: Mapping[str, Any]) -> str:
    whom = "" if found["customer_id"] is None else f" to {plain(found['customer_id'])}"
    basket = f" beside {items(found['basket'])}" if found["basket"] else ""
    return f"Recommended{whom}{basket}" if whom or basket else "Popular now"


def _customer(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    segment = found["segment"]
    name = names.get(segment, segment) if segment is not None else "no segment"
    bought = "" if found["history"] else "; they have bought nothing so far"
    return plain(f"Customer {found['customer_id']}: {name}{bought}")


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the answers for parts of a list of customers as one."""
    return {name: [one for part in parts for one in part[name]] for name in ("recommendations", "missing")}


def recommend_each_table(found: Mapping[str, Any]) -> RenderableType:
    """Return what is recommended to each of several customers, one row each, and below it who is not known."""
    rows = table("Recommended", customer=TEXT, segment=TEXT, items={**TEXT, "ratio": 4})
    for one in found["recommendations"]:
        rows.add_row(plain(one["customer_id"]), one["segment"] or "", items([item["item"] for item in one["items"]]))
    missing = found["missing"]
    return Group(rows, f"Not known: {', '.join(map(plain, missing))}") if missing else rows
