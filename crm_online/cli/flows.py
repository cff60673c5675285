"""What changed in the course of a replay, counted from the files that it wrote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Key = TypeVar("Key", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class Flows:
    """Counts of what changed.

    Attributes
    ----------
    moves
        Customers' moves by segment left and segment entered.
    reasons
        Moves by reason.
    first
        Customers who got their first segment.
    rules
        Changes of rules by kind: entered, changed, left.
    """

    moves: Counter[tuple[str, str]]
    reasons: Counter[str]
    first: int
    rules: Counter[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values, the largest flow first."""
        return {
            "moves": self.moves.total(),
            "flows": [{"from": old, "to": new, "moves": count} for (old, new), count in ranked(self.moves)],
            "reasons": dict(ranked(self.reasons)),
            "first_segments": self.first,
            "rules": dict(ranked(self.rules)),
        }


def ranked(counts: Counter[Key]) -> list[tuple[Key, int]]:
    """Return counts, the largest first and equal ones in the order of their keys."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def read_flows(folder: Path) -> Flows:
    """Count the changes in the files that a replay wrote to a folder."""
    moves: Counter[tuple[str, str]] = Counter()
    reasons: Counter[str] = Counter()
    first = 0
    for change in _lines(folder / "segment-changes.jsonl"):
        if change["from"] is None:
            first += 1
        elif change["to"] is not None:
            moves[change["from"], change["to"]] += 1
            reasons[change["reason"]] += 1
    rules = Counter(change["change"] for change in _lines(folder / "rules.jsonl"))
    return Flows(moves, reasons, first, rules)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a JSONL file; one that no change was written to is not there."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
