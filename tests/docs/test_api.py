"""Every request of docs/api.md is answered as the page shows it, and every snippet of it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.api.asking import ready
from tests.command import ROOT
from tests.docs import fenced
from tests.servers.serving import serving

URL = "http://127.0.0.1:8080"
BLOCKS = fenced.blocks(ROOT / "docs" / "api.md")


@pytest.fixture(scope="module")
def shop(made_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a service of the made shop."""
    folder = copytree(made_shop, tmp_path_factory.mktemp("api") / "shop")
    with serving(folder, "--state", "shop") as served:
        ready(served.url)
        yield served.url


def run(command: list[str]) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


def differs(shown: Any, real: Any, at: str = "") -> str | None:
    """Return where what is shown has a field, or a kind of value, that the real answer has not."""
    if isinstance(shown, dict):
        if not isinstance(real, dict):
            return f"{at} is no object"
        missing = [f"{at}/{name}" for name in shown if name not in real]
        found = [*missing, *(differs(shown[name], real[name], f"{at}/{name}") for name in shown if name in real)]
        return next((one for one in found if one), None)
    if isinstance(shown, list):
        if not isinstance(real, list) or len(shown) > len(real):
            return f"{at} is no list as long as that"
        pairs = enumerate(zip(shown, real, strict=False))
        return next((one for place, pair in pairs if (one := differs(*pair, f"{at}/{place}"))), None)
    numbers = (int, float)
    same = isinstance(shown, numbers) if isinstance(real, numbers) else type(shown) is type(real)
    return None if same else f"{at} is {real!r}, not {shown!r}"


def test_every_request_is_answered_as_the_page_shows_it(shop: str) -> None:
    ran, decoder = 0, json.JSONDecoder()
    rest = ""
    for language, text in BLOCKS:
        if language == "sh" and not text.startswith("crm-online"):
            rest = run(["bash", "-euo", "pipefail", "-c", text.replace(URL, shop)])
            assert rest.strip(), text
            ran += 1
        elif language == "json":
            real, end = decoder.raw_decode(rest)
            assert differs(json.loads(text), real) is None, text
            rest = rest[end:].lstrip()
        elif language == "text":
            for line in filter(None, text.splitlines()):
                assert line.split("…")[0] in rest
    assert ran >= 15


def test_the_snippets_of_the_client_run(shop: str) -> None:
    snippets = [text.replace(URL, shop) for language, text in BLOCKS if language == "python"]
    assert len(snippets) == 2
    for text in snippets:
        assert run([sys.executable, "-X", "utf8", "-W", "error", "-c", text]).strip()


def test_every_path_and_every_method_of_the_client_is_on_the_page(root: Path) -> None:
    page = (root / "docs" / "api.md").read_text(encoding="utf-8")
    document = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    for path in document["paths"]:
        assert path.split("{")[0].rstrip("/") in page, path
