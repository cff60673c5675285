"""The glossary names code that there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("crm_online", "streams")


def rows(root: Path) -> Iterator[list[str]]:
    """Yield the cells of the glossary's rows that name code."""
    for line in (root / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and not cells[0].startswith(("---", "term")):
            yield cells


def known(root: Path) -> set[str]:
    """Return modules, classes, functions and constants, and members as ``Class.member``."""
    found: set[str] = set()
    for path in (path for package in PACKAGES for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        module = ".".join(parts[1:] if parts[0] == "crm_online" else parts)
        found.add(module)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in _names(node):
                found |= {name, f"{module}.{name}"}
            if isinstance(node, ast.ClassDef):
                found |= {f"{node.name}.{member}" for part in node.body for member in _names(part)}
    return found


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def test_the_glossary_names_code_that_there_is(root: Path) -> None:
    there = known(root)
    named = [(cells[0], name) for cells in rows(root) for name in re.findall(r"`([^`]+)`", cells[2])]
    assert len(named) > 60
    assert not [(term, name) for term, name in named if name not in there]


def test_no_term_stands_in_the_glossary_twice(root: Path) -> None:
    terms = [cells[0] for cells in rows(root)]
    assert len(set(terms)) == len(terms)
