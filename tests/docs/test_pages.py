"""Every link of the pages leads somewhere, every member that they name is there, every page is found from the index."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.docs import fenced


def pages(root: Path) -> list[Path]:
    top = (root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"))
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


def members(root: Path) -> dict[str, set[str]]:
    """Return what each class of ours has in its body or sets on itself, by name of the class."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*(root / "crm_online").rglob("*.py"), *(root / "streams").rglob("*.py")]:
        for cls in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(cls, ast.ClassDef):
                nodes = list(ast.walk(cls))
                found[cls.name] |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
                stored = [n for n in nodes if isinstance(n, ast.Name | ast.Attribute) and isinstance(n.ctx, ast.Store)]
                found[cls.name] |= {n.id if isinstance(n, ast.Name) else n.attr for n in stored}
    return found


@pytest.mark.parametrize("name", ["architecture.md", "glossary.md", "operations.md"])
def test_every_member_of_a_class_that_a_page_names_is_there(root: Path, name: str) -> None:
    of_class = members(root)
    page = (root / "docs" / name).read_text(encoding="utf-8")
    named = re.findall(r"`(?:[a-z_]+\.)*([A-Z]\w+)\.(\w+)`", page)
    assert [f"{cls}.{member}" for cls, member in named if member not in of_class.get(cls, ())] == []
