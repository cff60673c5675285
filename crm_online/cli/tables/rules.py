"""The rules as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, TEXT, count, number, share, table


def rules_table(found: Sequence[Mapping[str, Any]], lacking: str | None = None) -> RenderableType:
    """Return the rules in the order given: who buys these items also buys those; or what is lacking for one."""
    if not found:
        return f"No rules yet: {lacking}" if lacking else "No rules"
    everybody = ["everybody"] if "everybody" in found[0] else []
    rows = table(
        f"{count(len(found), 'rule')}: who buys … also buys …",
        **{"if": {**TEXT, "ratio": 3}, "then": {**TEXT, "ratio": 2}},
        **dict.fromkeys(("support", *everybody, "confidence", "lift", "count"), FIGURE),
    )
    for rule in found:
        rows.add_row(
            items(rule["antecedent"]),
            items(rule["consequent"]),
            share(rule["support"]),
            *(share(rule[name]) for name in everybody),
            share(rule["confidence"]),
            number(rule["lift"]),
            number(round(rule["count"])),
        )
    return rows


def items(names: Sequence[str]) -> str:
    """Return the items of one side of a rule.

    Examples
    --------
    >>> items(["bread", "whole milk"])
    'bread + whole milk'
    """
    return " + ".join(plain(name) for name in names)
