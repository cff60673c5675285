"""How good predictions are, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, WORD, number, quantity, table

_FIGURES = ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "weight")


def prediction_tables(found: Mapping[str, Any]) -> list[RenderableType]:
    """Return what is predicted, and how good each model of each target was."""
    days = quantity(found["horizon_days"], "days")
    if not found["version"]:
        return [f"Nothing is predicted yet: it takes customers who bought on several days. Horizon: {days}."]
    judged = [one for one in found["models"] if one["examples"]]
    head = f"Purchases within {days}, by version {found['version']}."
    if not judged:
        return [f"{head} No model was judged yet: the first examples are labelled when as much time has gone by."]
    rows = table(
        "what was predicted against what happened",
        target=WORD,
        model=WORD,
        examples=FIGURE,
        **dict.fromkeys(_FIGURES, FIGURE),
    )
    for one in judged:
        figures = [number(one[name]) for name in _FIGURES]
        rows.add_row(plain(one["target"]), one["name"], number(one["examples"]), *figures)
    return [head, rows]
