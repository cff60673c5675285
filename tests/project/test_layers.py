"""The layers of the code, and what may stand in it."""

from __future__ import annotations

import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from grimp import build_graph

HOSTS = re.compile(r"pypi\.org|pythonhosted|npmjs|maven\.org|crates\.io|debian\.org|proxy\.golang", re.IGNORECASE)


def test_each_layer_imports_only_those_below_it(root: Path) -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = build_graph("crm_online", "streams", cache_dir=None)
    order = TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    try:
        order.prepare()
    except CycleError as error:
        raise AssertionError(f"an import circle: {' <- '.join(error.args[1])}") from None


def test_importing_the_engine_imports_no_redis_and_no_broker(root: Path) -> None:
    others = "{'redis', 'faust', 'aiokafka', 'typer'}"
    code = f"import sys, crm_online.engine.engine; print(sorted({others} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_host_of_a_package_registry_is_named(root: Path) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    named = [
        path
        for path in tracked
        if path != Path(__file__).relative_to(root).as_posix()
        and HOSTS.search((root / path).read_text(encoding="utf-8", errors="replace"))
    ]
    assert not named
