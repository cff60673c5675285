"""The table of keys in docs/architecture.md: each that the code writes, and whether it goes when a leap is undone."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from crm_online.commands.undo_leap import DERIVED

WRITES = {"Put", "Remove", "Append", "Shorten", "Assign", "Replace", "Drop", "HashWrite", "put_field", "lease"}
STAYS = {
    *("meta", "positions", "outbox", "changes:<topic>", "probe", "engine", "suppressed", "undoing"),
    *("publication-maker", "webhooks-sender", "webhooks", "dead-letters:<webhook>", "webhooks-again"),
    *("erased", "erasures"),
}
"""What a state keeps when it goes back to its beginning: changes and their numbers, erasures, webhooks."""
BUCKETS = "due:<n>"

_ROW = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)


def documented(root: Path) -> set[str]:
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.partition("## The keys in Redis")[2].partition("\n## ")[0]
    return {name for cells in _ROW.findall(section) for name in re.findall(r"`([^`]+)`", cells)}


def written(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of keys that are constants, each with the file that writes it."""
    for path in sorted([*(root / "crm_online").rglob("*.py"), *(root / "streams").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [_first_argument(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if any(names):
            module = importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
            yield from ((name, str(path)) for name in (_value(module, one) for one in names if one) if name)


def _first_argument(call: ast.Call) -> str | None:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if function in WRITES and call.args and isinstance(call.args[0], ast.Name | ast.Attribute | ast.Constant):
        return ast.unparse(call.args[0])
    return None


def _value(module: ModuleType, expression: str) -> str | None:
    if expression[:1] in "'\"":
        return str(ast.literal_eval(expression))
    found: object = module
    for name in expression.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, str) else None


def test_each_key_that_is_written_is_in_the_table(root: Path) -> None:
    found = dict(written(root))
    assert len(found) >= 30
    # What is written by a topic's or a webhook's name, or by a bucket's number, is no constant.
    assert {name: path for name, path in found.items() if name not in documented(root)} == {}


def test_each_key_of_the_table_goes_or_stays_when_a_leap_is_undone(root: Path) -> None:
    assert set(DERIVED).isdisjoint(STAYS)
    assert documented(root) == {*DERIVED, *STAYS, BUCKETS}
