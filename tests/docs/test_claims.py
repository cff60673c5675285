"""Every claim about security and privacy names the tests that hold it, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import fenced

_TEST = re.compile(r"`(test_\w+)`")


@pytest.mark.parametrize(("page", "least"), [("threat-model.md", 20), ("privacy.md", 7)])
def test_each_claim_has_a_test_that_is_there(root: Path, page: str, least: int) -> None:
    known = {
        name
        for path in (root / "tests").rglob("test_*.py")
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    claims = [row for head, _, *rows in fenced.tables(root / "docs" / page) if "claim" in head for row in rows]
    assert len(claims) >= least
    for claim in claims:
        named = _TEST.findall(claim)
        assert named, f"no test holds: {claim}"
        assert set(named) <= known, f"{page}: {set(named) - known}"
