"""Drifts as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, count, number, share, table

_WHAT = {"distances": "how far customers lie from their segments' centroids", "baskets": "what is bought"}


def drift_table(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the drifts, the newest first."""
    if not found:
        return "No drift: nothing has become another than it was"
    rows = table(
        count(len(found), "drift"),
        since=WORD,
        found=WORD,
        **{"what changed": {**TEXT, "ratio": 2}},
        **dict.fromkeys(("before", "after", "deviations"), FIGURE),
    )
    for one in found:
        figure = share if one["what"] == "baskets" else number
        name = _WHAT.get(one["what"], one["what"].replace("loss:", "the loss of "))
        items = ", ".join(
            f"{plain(item['item'])} {share(item['before'])} → {share(item['after'])}" for item in one["items"]
        )
        rows.add_row(
            one["since"][:10],
            one["time"][:10],
            plain(name) + (f": in baskets {items}" if items else ""),
            figure(one["before"]),
            figure(one["after"]),
            number(one["deviations"]),
        )
    return rows
