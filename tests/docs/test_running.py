"""What docs/running.md says of people's data is so when it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

from tests.command import crm_online, printed
from tests.docs import fenced

CUSTOMER = "C17"


def test_the_person_of_the_erase_snippet_is_gone_from_a_simulated_shop(tmp_path: Path, root: Path) -> None:
    printed(tmp_path, "simulate", "--customers", "300", "--events", "6000", "--out", "made.jsonl")
    log = (tmp_path / "made.jsonl").read_text().replace('"c017"', f'"{CUSTOMER}"')
    (tmp_path / "made.jsonl").write_text(log)
    command = tmp_path / "bin" / "crm-online"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m crm_online "$@"\n')
    command.chmod(0o755)
    env = {key: value for key, value in os.environ.items() if not key.startswith("CRM_ONLINE")}
    env["PATH"] = f"{command.parent}:{env['PATH']}"
    snippets = [text for language, text in fenced.blocks(root / "docs" / "running.md") if "erase" in text]
    assert len(snippets) == 2, "by command, and by an event"
    printed(tmp_path, "replay", "made.jsonl", "--state", "replayed")
    for number, snippet in enumerate(snippets):
        copytree(tmp_path / "replayed", tmp_path / f"shop{number}")
        assert json.loads(printed(tmp_path, "customer", CUSTOMER, "--state", f"shop{number}", "--json"))["events"]
        text = snippet.replace("--state shop", f"--state shop{number}")
        assert CUSTOMER in text
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert crm_online(tmp_path, "customer", CUSTOMER, "--state", f"shop{number}").returncode == 2
        assert json.loads(printed(tmp_path, "verify", "--state", f"shop{number}", "--json"))["customers"] == 299
