"""The article's rules: every rule there is, by a recount in plain Python, sorted by lift."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from math import log2
from pathlib import Path

import pytest

from examples.association_rules import BASKETS, rules


def test_the_frame_has_every_rule_with_its_measures_sorted_by_lift() -> None:
    baskets = [set(line.split(",")) for line in BASKETS.split()]
    expected = {}
    for size in (2, 3):
        for items in combinations(sorted(set().union(*baskets)), size):
            both = sum(set(items) <= basket for basket in baskets)
            for right in (right for n in range(1, size) for right in combinations(items, n)):
                left = tuple(item for item in items if item not in right)
                given = sum(set(left) <= basket for basket in baskets)
                if both / 12 >= 0.15 and both / given >= 0.6:
                    lift = both / given / (sum(set(right) <= basket for basket in baskets) / 12)
                    expected[left, right] = (both / 12, both / given, lift, both / given * log2(both / given))
    found = rules(BASKETS)
    measures = found[["support", "confidence", "lift", "article_gain"]].to_numpy()
    pairs = zip(found["antecedent"], found["consequent"], strict=True)
    sides = [(tuple(sorted(x)), tuple(sorted(y))) for x, y in pairs]
    assert dict(zip(sides, map(tuple, measures.tolist()), strict=True)) == {
        sides: pytest.approx(values) for sides, values in expected.items()
    }
    assert found["lift"].is_monotonic_decreasing


def test_run_as_a_script_it_prints_them(root: Path, tmp_path: Path) -> None:
    script = root / "examples" / "association_rules.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1].split()[:2] == ["beer", "crisps"]
