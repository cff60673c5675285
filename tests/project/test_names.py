"""What names stand for."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path


def test_no_public_class_name_stands_for_two_things(root: Path) -> None:
    places = defaultdict(list)
    for path in [path for package in ("crm_online", "streams") for path in sorted((root / package).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(root)))
    assert len(places) > 200
    assert not {name: files for name, files in places.items() if len(files) > 1}
