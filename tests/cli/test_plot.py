"""`segments --plot` draws a file, and says in one line why it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import crm_online, printed
from tests.docs import made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("shop")
    made.write_jsonl(here / "log.jsonl")
    printed(here, "replay", "log.jsonl")
    return here


@pytest.mark.parametrize(("name", "begin"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml")])
def test_a_picture_is_drawn_beside_the_table(shop: Path, name: str, begin: bytes) -> None:
    done = crm_online(shop, "segments", "--plot", name, "--axes", "spending,recency", "--linkage", "ward")
    assert (done.returncode, done.stderr.strip()) == (0, f"drawn to {name}")
    assert "6 segments" in done.stdout
    assert (shop / name).read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--plot", "a.pdf"), ".png or .svg"),
        (("--plot", "no/folder/a.png"), "cannot be written"),
        (("--plot", "a.png", "--axes", "spending,recensy"), "recency"),
        (("--plot", "a.png", "--axes", "spending"), "two"),
        (("--axes", "spending,recency"), "--plot"),
        (("--linkage", "single"), "average"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(shop: Path, options: tuple[str, ...], why: str) -> None:
    done = crm_online(shop, "segments", *options)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
