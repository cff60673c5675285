"""The README's picture tells the demo's figures, and is drawn anew from them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from scripts.picture import picture

FOUND = {
    "replay": {"accepted": 12_345, "customers": 900, "baskets": 4_000, "rule_changes": 77},
    "segments": {
        "segments": [
            {"id": "s1", "name": "Big <spenders>", "size": 600, "description": {"text": "Spends 3 × what is typical."}},
            {
                "id": "s2",
                "name": "New customers",
                "size": 300,
                "description": {"text": "Known for 9 days (typical: 80 days), orders 0.1 × as often as is typical."},
            },
        ]
    },
    "rules": [
        {"antecedent": ["bread"], "consequent": ["butter"], "confidence": 0.81, "lift": 3.14},
        {"antecedent": ["butter"], "consequent": ["bread"], "confidence": 0.6, "lift": 3.14},
    ],
    "changes": {"moves": 42, "reasons": {"event": 42}},
}


def words(svg: str) -> list[str]:
    return [text for part in ElementTree.fromstring(svg).iter() if (text := (part.text or "").strip())]


def test_the_picture_tells_segments_and_one_rule_for_each_set_of_items() -> None:
    told = words(picture(FOUND))
    for word in ("12,345", "Big <spenders>", "600", "Known for 9 days, orders 0.1 × as often as is typical", "42"):
        assert word in told
    assert told.count("bread") + told.count("butter") == 2


def test_the_picture_of_the_readme_is_well_formed_and_needs_nothing_from_elsewhere(root: Path) -> None:
    svg = (root / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert "Segments" in words(svg)
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


def test_the_picture_tells_what_the_readme_tells(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    counts = [word for word in words((root / "docs" / "demo.svg").read_text(encoding="utf-8")) if "," in word]
    assert [word for word in counts if word.replace(",", "").isdigit() and word not in readme] == []
