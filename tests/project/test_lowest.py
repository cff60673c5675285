"""`make test-lowest` runs with each dependency that users install at its lower bound, those of the extras too."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

PROJECT = {
    "name": "crm-online",
    "dependencies": ["numpy>=2.0"],
    "optional-dependencies": {
        "serve": ["crm-online[client]", "uvicorn[standard]>=0.34", "tenacity>=8.2"],
        "client": ["tenacity>=9.0,<10"],
        "test": ["pytest>=8"],
    },
}


@pytest.fixture(scope="module")
def lowest(root: Path) -> ModuleType:
    """Return the script, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("lowest", root / "scripts" / "lowest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_extras_are_installed_but_the_tools(lowest: ModuleType, root: Path) -> None:
    project = lowest.project()
    assert lowest.extras(PROJECT) == ["client", "serve"]
    assert {*lowest.extras(project)} == project["optional-dependencies"].keys() - {"quix", "test", "dev"}
    assert {"fastapi", "aiokafka", "matplotlib", "httpx", "numpy"} <= lowest.bounds(project).keys()
    script = (root / "scripts" / "test-lowest").read_text(encoding="utf-8")
    first = next(line for line in script.replace("\\\n", "").splitlines() if "lowest-direct" in line)
    assert "lowest.py extras" in first


def test_a_version_that_is_not_at_its_lower_bound_is_named(lowest: ModuleType) -> None:
    fitting = {"numpy": "2.0.0", "uvicorn": "0.34.0", "tenacity": "9.0.0", "pytest": "9.1"}
    assert lowest.others(PROJECT, {name: Version(version) for name, version in fitting.items()}) == []
    newer = {"numpy": "2.0.0.post1", "uvicorn": "0.35.0"}
    assert lowest.others(PROJECT, {name: Version(version) for name, version in newer.items()}) == [
        "tenacity: the lower bound is 9.0, installed is nothing",
        "uvicorn: the lower bound is 0.34, installed is 0.35.0",
    ]
