"""`segments --plot` draws a file, and says in one line why it cannot."""

from __future__ import annotations

import json
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
def test_a_picture_is_drawn_and_the_table_printed(shop: Path, name: str, begin: bytes) -> None:
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
        (("--linkage", "ward"), "--linkage: is for the tree: say --plot FILE or --json too"),
        (("--of", "customers"), "--of: is for the tree of --json: say --json too"),
        (("--of", "customers", "--plot", "a.png"), "--of: is for the tree of --json: say --json too"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(shop: Path, options: tuple[str, ...], why: str) -> None:
    done = crm_online(shop, "segments", *options)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_letters_that_no_font_has_are_named(tmp_path: Path) -> None:
    made.write_jsonl(tmp_path / "log.jsonl")
    with (tmp_path / "log.jsonl").open("a") as log:
        for number in range(made.CUSTOMERS):
            town = {"town": "\U00012000" if number % 4 == 3 else "Ulm"}  # of those who buy most, and of the others
            event = {"type": "profile", "customer_id": f"C{number}", "time": "2026-03-31", "attributes": town}
            log.write(json.dumps(event) + "\n")
    printed(tmp_path, "replay", "log.jsonl", "--set", "segments.k=3")
    for name, why in (("a.png", "each is drawn as \N{REPLACEMENT CHARACTER}"), ("a.svg", "whoever opens it needs one")):
        done = crm_online(tmp_path, "segments", "--plot", name)
        message = f"no font of this computer has these letters of {name}, so {why}: \U00012000\n"
        assert done.stderr == message + f"drawn to {name}\n"
