"""Every link of the pages leads somewhere, and every page is found from the index."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs import fenced


def pages(root: Path) -> list[Path]:
    top = (root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))
    return [*top, *sorted((root / "docs").rglob("*.md"))]


def test_every_link_into_the_repository_leads_somewhere(root: Path) -> None:
    for page in pages(root):
        for link in fenced.links(page):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in fenced.anchors(target), f"{page.name}: {link}"


def test_every_table_has_a_head_and_none_is_cut_in_two(root: Path) -> None:
    for page in pages(root):
        for table in fenced.tables(page):
            assert len(table) > 2, f"{page.name}: {table[0]}"
            assert set(table[1]) <= set("|-: "), f"{page.name}: no head: {table[0]}"


def test_the_index_lists_every_page_and_every_decision(root: Path) -> None:
    index = root / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in fenced.links(index)}
    assert {page.resolve() for page in (root / "docs").rglob("*.md")} - listed == {index.resolve()}


def test_every_decision_has_context_decision_and_consequences(root: Path) -> None:
    decisions = sorted((root / "docs" / "adr").glob("*.md"))
    numbers = [page.name[:5] for page in decisions]
    assert all(re.fullmatch("[0-9]{4}-", number) for number in numbers)
    assert len(set(numbers)) == len(numbers), "a number twice"
    for page in decisions:
        assert fenced.anchors(page) >= {"context", "decision", "consequences"}, page.name


def test_every_file_that_the_architecture_names_is_there(root: Path) -> None:
    page = root / "docs" / "architecture.md"
    named = [link for link in fenced.links(page) if link.startswith("../crm_online/")]
    assert len(named) > 20
