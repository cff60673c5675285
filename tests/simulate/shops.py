"""Simulated shops, replayed under the default settings, and looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from crm_online.lookup import open_lookup
from crm_online.replay import replay
from crm_online.settings import Settings
from crm_online.simulate import Simulation

Sides = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True)
class Found:
    """What a replay of a simulated log ended with: customers by id, rules, segments, and what was emitted."""

    truth: dict[str, Any]
    customers: pd.DataFrame
    rules: list[dict[str, Any]]
    moves: pd.DataFrame
    rule_changes: pd.DataFrame
    rejected: int

    @property
    def planted(self) -> pd.Series[str]:
        """The planted segment of each customer, in the order of ``customers``."""
        return pd.Series(self.truth["segment_of"]).reindex(self.customers.index)


@dataclass(frozen=True)
class Agreement:
    """How far what was found is what was planted.

    Attributes
    ----------
    rand
        Adjusted Rand index between planted and reported segments.
    missing
        Planted rules that were not found.
    others
        Share of rules that were not planted, nor follow from planted ones, among those with the lift of a planted one.
    """

    rand: float
    missing: int
    others: float


def agreement(found: Found) -> Agreement:
    """Compare what was found with what was planted."""
    planted = {sides(rule) for rule in found.truth["rules"] if rule["until"] is None}
    follow = {sides(rule) for planted in found.truth["rules"] for rule in planted["follows"]}
    lifts = {sides(rule): rule["lift"] for rule in found.rules}
    least = min((lifts[rule] for rule in planted & lifts.keys()), default=0.0)
    strong = {rule for rule, lift in lifts.items() if lift >= least}
    return Agreement(
        adjusted_rand_score(found.planted, found.customers["segment"]),
        len(planted - lifts.keys()),
        len(strong - planted - follow) / max(len(strong), 1),
    )


def find(shop: Simulation, folder: Path) -> Found:
    """Replay a shop's log into a new state with a Redis of its own."""
    shop.write(folder / "log.jsonl")
    state = str(folder / "state")
    # Predictions change neither segments nor rules.
    settings = Settings.from_keys({"predictions.enabled": False})
    result = replay([folder / "log.jsonl"], settings=settings, state=state, out=folder / "changes")
    with open_lookup(state) as lookup:
        lookup.export(folder / "export")
        rules = lookup.rules(sort="lift")
    return Found(
        truth=json.loads((folder / "log.truth.json").read_text()),
        customers=pd.read_parquet(folder / "export" / "customers.parquet").set_index("customer_id"),
        rules=rules,
        moves=pd.read_json(folder / "changes" / "segment-changes.jsonl", lines=True),
        rule_changes=pd.read_json(folder / "changes" / "rules.jsonl", lines=True),
        rejected=result.rejected,
    )


def sides(rule: Mapping[str, Any]) -> Sides:
    """Return the two sides of a rule, whatever order their items stand in."""
    return frozenset(rule["antecedent"]), frozenset(rule["consequent"])
