"""The Dockerfile, as far as it can be held to its promises without an engine."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from crm_online.settings.network import split_address
from tests.deploy.files import ROOT, image_environment, instructions

HADOLINT = Path(sys.executable).with_name("hadolint")


def copied() -> list[str]:
    """Return the files and folders of the checkout that go into the build."""
    copies = [rest.split() for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def test_hadolint_finds_nothing() -> None:
    found = subprocess.run([HADOLINT, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_it_copies_is_there_and_reaches_it() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert all((ROOT / source).exists() for source in copied())
    assert ignore[1] == "*"
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == set(copied())


def test_both_stages_have_the_same_python_and_it_is_one_that_the_project_allows() -> None:
    images = {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    (image,) = images
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)
    assert version is not None
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    assert f"Programming Language :: Python :: {version[1]}" in classifiers


def test_it_runs_the_worker_as_a_user_without_rights_and_as_the_first_process() -> None:
    said = dict(instructions())
    assert int(said["USER"]) >= 1000
    # A list, no shell: the worker itself gets SIGTERM.
    assert (json.loads(said["ENTRYPOINT"]), json.loads(said["CMD"])) == (["crm-online"], ["worker"])


def test_the_health_check_asks_where_the_worker_listens() -> None:
    said = dict(instructions())
    _, port = split_address(image_environment()["CRM_ONLINE_WORKER__LISTEN"])
    assert f"http://127.0.0.1:{port}/healthz" in said["HEALTHCHECK"]
    assert said["EXPOSE"] == str(port)


def test_what_it_installs_holds_every_library_that_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # pydantic itself pins its core, and FastAPI is made of Starlette.
    extras = [one for extra in ("kafka", "serve", "client", "xlsx") for one in project["optional-dependencies"][extra]]
    installed = names([*project["dependencies"], *extras, "pydantic-core", "starlette"])
    optional = names(project["optional-dependencies"]["demo"] + project["optional-dependencies"]["plots"])
    assert imported(ROOT / "streams") <= installed
    assert imported(ROOT / "crm_online") <= installed | optional


def names(requirements: list[str]) -> set[str]:
    """Return the names of distributions, written in one way."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=~!;]", one)[0]).lower() for one in requirements}


def imported(folder: Path) -> set[str]:
    """Return the distributions whose modules are imported anywhere in a folder."""
    modules: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module or "")
    tops = {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"crm_online", "streams"}
    found = packages_distributions()
    return names([distribution for top in tops for distribution in found.get(top, [top])])


@pytest.mark.slow
def test_the_copied_files_alone_install_as_a_package_that_runs(tmp_path: Path) -> None:
    source, target = tmp_path / "src", tmp_path / "installed"
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    # Its dependencies are those of this environment: the test above knows that they are all named.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--target", str(target), str(source)], check=True)
    packed = {str(file.relative_to(target)) for file in target.rglob("*") if file.suffix in {".py", ".lua"}}
    ours = {
        str(file.relative_to(ROOT))
        for folder in ("crm_online", "streams")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".lua"}
    }
    assert packed == ours
    shown = subprocess.run(
        [target / "bin" / "crm-online", "worker", "--help"],
        env={**os.environ, "PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "worker" in shown.stdout
