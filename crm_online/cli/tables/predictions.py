"""How good predictions are, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from crm_online.cli.console import plain
from crm_online.cli.tables.words import FIGURE, TEXT, WORD, Prose, count, number, quantity, share, table

_LISTED = 10
_LEAST = 0.01
_FIGURES = ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "weight")


def prediction_tables(found: Mapping[str, Any]) -> list[RenderableType]:
    """Return what is predicted, and how good each model of each target was."""
    days = quantity(found["horizon_days"], "days")
    if not found["version"]:
        from crm_online.btyd.fit import LEAST_CUSTOMERS, LEAST_REPEATERS

        least = f"{LEAST_CUSTOMERS} customers who have bought, {LEAST_REPEATERS} of them on more than one day"
        return [f"Nothing is predicted yet: it takes {least}. Horizon: {days}."]
    judged = [one for one in found["models"] if one["examples"]]
    head = f"Purchases within {days}, by version {found['version']}."
    risks = [_at_risk(found)] if found["at_risk"] else []
    if not judged:
        return [
            f"{head} No model was judged yet: the first examples are labelled when as much time has gone by.",
            *risks,
        ]
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
    return [head, rows, *risks]


def _at_risk(found: Mapping[str, Any]) -> RenderableType:
    """Return the customers whose usual orders are likeliest to be lost."""
    priced = any(one["usual_value"] for one in found["at_risk"])
    usual, expected = ("usual_value", "expected_value") if priced else ("usual_purchases", "expected_purchases")
    days = quantity(found["horizon_days"], "days")
    rows = table(
        f"at risk, of {count(found['sampled'], 'sampled customer')} who have bought: {found['as_of'][:10]}",
        customer=WORD,
        **dict.fromkeys(("buys again", "usually spends" if priced else "usually orders", f"in {days}"), FIGURE),
        why=TEXT,
    )
    for one in found["at_risk"][:_LISTED]:
        why = Prose(plain("; ".join(one["reasons"]) or "when and how often they bought"))
        rows.add_row(plain(one["customer_id"]), share(one["purchase"]), number(one[usual]), _little(one[expected]), why)
    return rows


def _little(value: float | None) -> str:
    """Return an expected number or sum: what rounds to nothing is told as little."""
    return "< 0.01" if value is not None and 0 < value < _LEAST else number(value)
