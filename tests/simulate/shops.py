"""Simulated shops, replayed under the default settings, and looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

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


def find(shop: Simulation, folder: Path) -> Found:
    """Replay a shop's log into a new state with a Redis of its own."""
    shop.write(folder / "log.jsonl")
    state = str(folder / "state")
    result = replay([folder / "log.jsonl"], settings=Settings(), state=state, out=folder / "changes")
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
