"""The code as a whole: no function asks for more than anybody can keep in mind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("crm_online", "streams")
MOST_PARAMETERS = 6
INTERFACES = ("crm_online/cli/commands/", "crm_online/api/routes/")
"""Where each parameter is an option or a field of a query: users read about them there."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module")
def modules(root: Path) -> dict[str, ast.Module]:
    """Return the modules of both packages by path."""
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    assert len(paths) > 200
    return {str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def test_no_function_has_more_than_six_parameters_but_public_ones_that_tell_of_each(
    modules: dict[str, ast.Module],
) -> None:
    many = [
        (path, node)
        for path, module in modules.items()
        for node in functions(module)
        if len(asked(node)) > MOST_PARAMETERS
    ]
    assert many, "the longest commands have more"
    assert [f"{path}: {node.name}" for path, node in many if not is_told(path, node)] == []


def functions(module: ast.Module) -> Iterator[Function]:
    """Yield all functions and methods of a module."""
    yield from (node for node in ast.walk(module) if isinstance(node, Function))


def asked(node: Function) -> list[str]:
    """Return the parameters that a caller gives."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [one.arg for one in every if one.arg not in ("self", "cls")]


def is_told(path: str, node: Function) -> bool:
    """Return whether users read about each parameter: in the help, in the API's document, or in the docstring."""
    if node.name.startswith("_"):
        return False
    if path.startswith(INTERFACES):
        return True
    _, _, section = (ast.get_docstring(node) or "").partition("Parameters\n----------\n")
    names = {name.strip() for line in section.splitlines() if not line.startswith(" ") for name in line.split(",")}
    return set(asked(node)) <= names
