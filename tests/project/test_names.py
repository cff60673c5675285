"""What names stand for."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SPOKEN = {
    "told",
    "tell",
    "tells",
    "heard",
    "said",
    "away",
    "beside",
    "taken",
    "wanted",
    "standing",
    "behind",
    "everybody",
    "begun",
    "quiet",
    "news",
}
"""Words of talk, which say less of a thing than the field's own term does: see docs/glossary.md."""
OUTSIDE = {"everybody", "unhappy_everybody", "behind"}
"""Fields of JSON: users rely on them."""


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def test_no_name_is_a_word_of_talk(root: Path) -> None:
    spoken = defaultdict(set)
    for path in [path for package in ("crm_online", "streams") for path in sorted((root / package).rglob("*.py"))]:
        for name in set(names(ast.parse(path.read_text(encoding="utf-8")))) - OUTSIDE:
            if SPOKEN & set(name.lower().split("_")):
                spoken[str(path.relative_to(root))].add(name)
    assert not spoken


def test_no_public_class_name_stands_for_two_things(root: Path) -> None:
    places = defaultdict(list)
    for path in [path for package in ("crm_online", "streams") for path in sorted((root / package).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(root)))
    assert len(places) > 200
    assert not {name: files for name, files in places.items() if len(files) > 1}
