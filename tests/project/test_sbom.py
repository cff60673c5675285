"""The bill of materials names every library that is installed, and the image installs each by its hash."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def test_the_bill_of_materials_has_every_library_with_its_version(root: Path, tmp_path: Path) -> None:
    assert "scripts/sbom $(BIN) dist/sbom.json" in (root / "Makefile").read_text(encoding="utf-8")
    file = tmp_path / "sbom.json"
    made = [root / "scripts/sbom", Path(sys.executable).parent, file]
    subprocess.run(made, check=True, capture_output=True)
    bill = json.loads(file.read_bytes())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "crm-online"
    listed = {(canonicalize_name(one["name"]), one["version"]) for one in bill["components"]}
    installed = {(canonicalize_name(one.name), one.version) for one in distributions()}
    assert {one for one in installed if one[0] != "crm-online"} <= listed
    assert all(one.get("purl", "").startswith("pkg:pypi/") for one in bill["components"] if one["name"] == "numpy")


def test_the_image_takes_each_library_by_a_version_and_hashes_that_fit_the_project(root: Path) -> None:
    text = (root / "deploy/requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text, "no host"
    entries = text.replace("\\\n", " ").splitlines()
    pinned = {}
    for entry in entries:
        requirement, *hashes = entry.split(" --hash=")
        name, version = requirement.split(";")[0].strip().split("==")
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one.strip()) for one in hashes), entry
        pinned[canonicalize_name(name)] = version
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    asked += [one for extra in ("kafka", "serve", "client", "xlsx") for one in extras[extra]]
    for one in map(Requirement, asked):
        if one.name != "crm-online":
            version = pinned[canonicalize_name(one.name)]
            assert one.specifier.contains(version), f"{one}: run `make lock`"
    steps = (root / "Dockerfile").read_text(encoding="utf-8")
    assert steps.count("pip install") == 2
    assert "--require-hashes --requirement deploy/requirements.txt" in steps
    assert "--no-build-isolation --no-deps ." in steps
