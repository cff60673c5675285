"""What ``scripts/test-lowest`` installs at its lower bounds, and whether it got it.

``python scripts/lowest.py extras`` prints the extras; ``python scripts/lowest.py check`` looks at this environment.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
TOOLS = frozenset({"quix", "test", "dev"})
"""Extras that are no part of the promise: what tests, checks and benchmarks run with."""


def project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def extras(project: Mapping[str, Any]) -> list[str]:
    """Return the extras that users install."""
    return sorted(set(project["optional-dependencies"]) - TOOLS)


def bounds(project: Mapping[str, Any]) -> dict[str, Version]:
    """Return the lower bound of each dependency: of several extras that have it, the highest."""
    asked = [
        *project["dependencies"],
        *(one for name in extras(project) for one in project["optional-dependencies"][name]),
    ]
    found: dict[str, Version] = {}
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name == project["name"]:
            continue
        (lower,) = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
        found[name] = max(lower, found.get(name, lower))
    return found


def others(project: Mapping[str, Any], installed: Mapping[str, Version]) -> list[str]:
    """Return what is not installed at its lower bound, a line each.

    A bound below what another dependency needs is none: raise it.
    """
    return [
        f"{name}: the lower bound is {lower}, installed is {installed.get(name, 'nothing')}"
        for name, lower in sorted(bounds(project).items())
        if name not in installed or Version(installed[name].base_version) != lower
    ]


def main() -> None:
    """Do what the first argument says."""
    if sys.argv[1:] == ["extras"]:
        print(",".join(extras(project())))
        return
    installed: dict[str, Version] = {
        canonicalize_name(one.metadata["Name"]): Version(one.version) for one in distributions()
    }
    if wrong := others(project(), installed):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
