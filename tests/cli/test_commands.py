"""What each command asks for, and what it prints for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crm_online.events.options import LogOptions
from crm_online.settings import Settings
from tests.cli import answers
from tests.cli.conftest import Asked, Crm

DAY = 86_400_000


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["segments"], answers.SEGMENTS),
        (["rules"], answers.RULES),
        (["customer", "1364"], answers.CUSTOMER),
        (["recommend"], answers.RECOMMENDED),
        (["drift"], answers.DRIFTS),
        (["verify"], answers.VERIFIED),
        (["replay", "log.csv"], answers.REPLAYED),
        (["export", "folder"], {"customers.parquet": 2469, "rules.parquet": 2}),
    ],
)
def test_with_json_stdout_is_exactly_one_document(asked: Asked, crm: Crm, command: list[str], answer: object) -> None:
    ended = crm(*command, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == answer
    assert ended.out.count("\n") == 1


def test_the_state_is_the_default_folder_the_variable_or_the_option(
    asked: Asked, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm("verify")
    monkeypatch.setenv("CRM_ONLINE_STATE", "redis://store")
    crm("verify")
    crm("verify", "--state", "elsewhere")
    states = [arguments["state"] for name, arguments in asked.calls if name == "open_lookup"]
    assert states == ["./.crm-online", "redis://store", "elsewhere"]


def test_a_replay_is_given_all_that_was_asked(asked: Asked, crm: Crm) -> None:
    ended = crm(
        "replay", "a.csv", "b.csv", "--preset", "baskets", "--map", "item=Product", "--map", "time=Date of sale",
        "--sep", r"\t",
        "--time-format", "ms", "--decimal", ",", "--where", "Status=paid", "--out", "changes",
        "--speed", "60", "--state", "here", "--set", "segments.k=8",
    )  # fmt: skip
    assert ended.code == 0
    [(_, arguments)] = asked.calls
    settings = arguments.pop("settings")
    assert isinstance(settings, Settings)
    assert settings.segments.k == 8
    assert arguments == {
        "paths": [Path("a.csv"), Path("b.csv")],
        "options": LogOptions(
            "baskets", {"item": "Product", "time": "Date of sale"}, "\t", "ms", ",", (("Status", "paid"),)
        ),
        "out": Path("changes"),
        "another": False,
        "speed": 60.0,
        "state": "here",
    }
    assert "155,848" in ended.out


def test_rejects_are_one_line_on_stderr_and_with_out_they_are_in_its_files(asked: Asked, crm: Crm) -> None:
    asked.summary = "52 of 155,900 rows were rejected; the first is a.csv:3: price is below 0"
    assert crm("replay", "a.csv", "--json").err == f"{asked.summary} (--out DIR keeps them all)\n"
    assert crm("replay", "a.csv", "--out", "changes").err == f"{asked.summary}\n"


def test_a_time_without_a_zone_is_utc(asked: Asked, crm: Crm) -> None:
    for text in ("1970-01-02", "1970-01-02T00:00:00Z", "1970-01-02T02:00:00+02:00", "1970-01-02 00:00"):
        assert crm("segments", "--as-of", text).code == 0
    assert {arguments["as_of"] for name, arguments in asked.calls if name == "segments"} == {DAY}


def test_the_rules_of_a_table_are_twenty_and_those_for_scripts_all(asked: Asked, crm: Crm) -> None:
    crm("rules")
    crm("rules", "--json")
    crm("rules", "--json", "--top", "3", "--sort", "rank", "--item", "milk")
    questions = [arguments for name, arguments in asked.calls if name == "rules"]
    assert [question["top"] for question in questions] == [20, None, 3]
    assert questions[-1] == {"as_of": None, "top": 3, "sort": "rank", "item": "milk", "segment": None}


def test_the_largest_segment_comes_first_with_its_share_and_what_sets_it_apart(asked: Asked, crm: Crm) -> None:
    out = crm("segments").out
    assert "3 segments of 2,469 customers, as of 2017-12-31 23:59" in out
    assert out.index("Active big spenders") < out.index("Lapsed small spenders") < out.index("One-time buyers")
    assert "81.0 %" in out
    assert "Spends 3.1 × what is typical" in out


def test_rules_read_as_if_and_then(asked: Asked, crm: Crm) -> None:
    line = next(line for line in crm("rules").out.splitlines() if "root vegetables" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "root vegetables + tropical fruit",
        "other vegetables",
        "1.2 %",
        "58.5 %",
        "3.021",
        "121",
    ]


def test_no_text_of_a_log_is_read_as_markup_or_reaches_the_terminal_as_a_command(asked: Asked, crm: Crm) -> None:
    out = crm("rules").out
    assert "[bold]milk[/bold] :smile:" in out
    assert "\x1b" not in out


def test_a_customer_has_features_with_units_and_segments_by_name(asked: Asked, crm: Crm) -> None:
    out = crm("customer", "1364").out
    assert "Customer 1364: Active big spenders (s1) since 2017-05-02 10:00 · 231 events" in out
    assert "1.5 days" in out
    assert "2.0 %" in out
    nearest = out[out.index("how near") :]
    assert nearest.index("(s1)") < nearest.index("(s3)") < nearest.index("(s2)")
    assert "s7" in out[out.index("last moves") :]


def test_verify_that_finds_a_difference_exits_with_1(asked: Asked, crm: Crm) -> None:
    assert crm("verify").code == 0
    asked.verified = answers.VERIFIED | {"ok": False, "differences": ["W of s1: 3 stored, 4 counted"]}
    ended = crm("verify")
    assert ended.code == 1
    assert "1 difference found" in ended.out
    assert "W of s1: 3 stored, 4 counted" in ended.out
    assert crm("verify", "--json").code == 1


def test_verify_shows_what_of_the_log_was_left_out_which_is_no_difference(asked: Asked, crm: Crm) -> None:
    gap = {
        "partition": 3,
        "topic": "crm.events",
        "begin": 7,
        "end": 20,
        "why": "retention",
        "time": "2024-01-01T00:00Z",
    }
    asked.verified = answers.VERIFIED | {"gaps": [gap]}
    ended = crm("verify")
    assert ended.code == 0
    assert "1 gap in what was read of the log:" in ended.out
    assert "2024-01-01T00:00Z crm.events partition 3: 20 follows 7 (retention)" in ended.out


def test_config_shows_each_setting_and_where_it_came_from(asked: Asked, crm: Crm) -> None:
    ended = crm("config", "--set", "segments.k=8", "--json")
    values = json.loads(ended.out)
    assert values["segments.k"] == {"value": 8, "source": "--set"}
    assert values["features.half_life"] == {"value": "90d", "source": "default"}
    line = next(line for line in crm("config", "--set", "segments.k=8").out.splitlines() if "segments.k " in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == ["segments.k", "8", "--set"]


def test_config_prints_the_schema(asked: Asked, crm: Crm) -> None:
    assert json.loads(crm("config", "--schema").out)["$defs"]["SegmentSettings"]["properties"]["k"]["default"] == 6


def test_wrong_settings_are_refused_by_look_ups_too(asked: Asked, crm: Crm) -> None:
    ended = crm("segments", "--set", "segments.kk=8")
    assert ended.code == 2
    assert "did you mean segments.k?" in ended.err


def test_recommend_asks_for_a_customer_and_a_basket(asked: Asked, crm: Crm) -> None:
    crm(
        "recommend",
        "--customer",
        "1364",
        "--item",
        "eggs",
        "--item",
        "tea",
        "--top",
        "3",
        "--exclude",
        "jam",
        "--new-only",
    )
    expected = {"customer": "1364", "basket": ["eggs", "tea"], "top": 3, "exclude": ["jam"], "new_only": True}
    assert ("recommend", expected) in asked.calls


def test_customers_of_a_file_are_asked_for_together_each_once(asked: Asked, crm: Crm, tmp_path: Path) -> None:
    file = tmp_path / "customers.txt"
    file.write_text("1364\n\n 7 \n1364\nstranger\n", encoding="utf-8")
    found = json.loads(crm("recommend", "--customers", str(file), "--top", "3", "--json").out)
    assert found["missing"] == ["stranger"]
    expected = {"customers": ["1364", "7", "stranger"], "top": 3, "exclude": [], "new_only": False}
    assert ("recommend_each", expected) in asked.calls
    assert "Not known: stranger" in crm("recommend", "--customers", str(file)).out


def test_recommendations_are_a_table_with_their_reasons(asked: Asked, crm: Crm) -> None:
    out = crm("recommend", "--customer", "1364", "--item", "eggs").out
    assert "Recommended to 1364 beside eggs + no such thing" in out
    assert "In no basket so far: no such thing" in out
    [milk] = [line for line in out.splitlines() if "whole milk" in line]
    assert [cell.strip() for cell in milk.split("│")[4:8]] == [
        "62.5 % of the baskets with eggs have it too: 2.5 times as many as of all baskets",
        "6.2 %",
        "62.5 %",
        "2.5",
    ]
    assert "bought 21 times in 70 orders of this customer" in out
    assert "\x1b" not in out


def test_a_drift_says_what_changed_since_when_and_which_items(asked: Asked, crm: Crm) -> None:
    out = crm("drift").out
    assert "2017-05-27" in out
    assert "parmesan 3.7 % → 8.6 %" in " ".join(out.replace("│", " ").split())
    assert "centroids" in out
    assert crm("drift", "--top", "1", "--json").out.count("change_id") == 1
