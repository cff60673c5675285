"""Wrong use and wrong input: exit code 2, one clear line, and nothing that was committed is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import crm_online as crm
from tests.replay import shop

QUICK = ("--set", "segments.min_customers=20")


@pytest.fixture
def replayed(tmp_path: Path) -> Path:
    shop.write(tmp_path / "shop.jsonl", shop.events(40, 60, seed=1))
    done = crm(tmp_path, "replay", "shop.jsonl", *QUICK)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_each_wrong_thing_is_one_line_and_the_state_stays(replayed: Path) -> None:
    before = json.loads(crm(replayed, "verify", "--json").stdout)
    (replayed / "folder").mkdir()
    (replayed / "binary.jsonl").write_bytes(bytes(range(256)) * 10)
    (replayed / "table.csv").write_text("a,b\n1,2\n")
    wrong = {
        ("replay", "none.jsonl"): "no such file",
        ("replay", "folder"): "is a folder",
        ("replay", "binary.jsonl"): "binary",
        ("replay", "shop.jsonl", "--preset", "natve"): "did you mean native",
        ("replay", "table.csv", "--preset", "online-retail"): "the log has: a, b",
        ("replay", "table.csv"): "fits no preset",
        ("replay", "shop.jsonl", "--set", "segments.kk=3"): "segments.k",
        ("replay", "shop.jsonl", "--set", "segments.k=3", *QUICK): "segments.k was 6",
        ("replay", "shop.jsonl", "--set", "replay.partitions=4", *QUICK): "replay.partitions was 1",
        ("replay", "shop.jsonl", "--state", "redis://127.0.0.1:1"): "127.0.0.1:1",
        ("replay", "shop.jsonl", "--state", "shop.jsonl"): "shop.jsonl",
        ("segments", "--state", "nowhere"): "nowhere",
        ("customer", "nobody"): "no customer 'nobody'",
        ("erase", "nobody", "--yes"): "no customer 'nobody'",
        ("rules", "--item", "buter"): "no item 'buter' in any basket; did you mean butter?",
        ("segments", "--as-of", "1999-12-31"): "the log begins at 2023-11-1",
        ("customer", "c3", "--as-of", "9999-12-31"): "from 1970 to 2105",
        ("rules", "--sort", "beauty"): "sort",
        ("dance",): "dance",
    }
    for arguments, why in wrong.items():
        done = crm(replayed, *arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, (arguments, done.stderr)
        assert why in done.stderr, (arguments, done.stderr)
    assert json.loads(crm(replayed, "verify", "--json").stdout) == before
    again = json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)
    assert again["events"] == 0
    assert json.loads(crm(replayed, "verify", "--json").stdout) == before


def test_a_half_written_last_line_is_told_once_and_read_when_it_is_whole(replayed: Path) -> None:
    log = replayed / "shop.jsonl"
    whole = log.read_bytes()
    last = whole.splitlines(keepends=True)[-1].replace(b"/", b"-again/")
    rejected = []
    for content in (whole + last[:50], whole + last[:50], whole + last[:60], whole + last, whole + last):
        log.write_bytes(content)
        done = json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)
        rejected.append((done["rejected"], done["accepted"]))
        assert json.loads(crm(replayed, "verify", "--json").stdout)["ok"]
    assert rejected == [(1, 0), (0, 0), (0, 0), (0, 1), (0, 0)]


def test_logs_of_one_name_in_two_folders_are_two_logs_and_both_are_reported(tmp_path: Path) -> None:
    events = shop.events(20, 20, seed=1)
    parts = {"p/l.jsonl": events[:40], "q/l.jsonl": events[40:60]}
    for name, part in parts.items():
        (tmp_path / name).parent.mkdir()
        shop.write(tmp_path / name, part)
    done = crm(tmp_path, "replay", *parts, "--json")
    assert json.loads(done.stdout)["position"] == {name: len(part) for name, part in parts.items()}


def test_an_order_far_ahead_of_a_log_is_told_as_held_back_and_counts_once_the_next_is_there(replayed: Path) -> None:
    log = replayed / "shop.jsonl"
    later = '{{"type": "view", "customer_id": "{}", "time": "2024-12-{}", "item": "tea"}}\n'
    log.write_bytes(log.read_bytes() + later.format("new", 10).encode())
    for _ in range(2):
        first = crm(replayed, "replay", "shop.jsonl", *QUICK)
        assert first.stderr.startswith("held back: 1 event at the log's end")
    log.write_bytes(log.read_bytes() + later.format("newer", 11).encode())
    done = json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)
    assert (done["accepted"], done["rejected"], done["held"]) == (2, 0, 0)
    assert json.loads(crm(replayed, "verify", "--json").stdout)["ok"]


def test_a_log_that_grew_is_gone_on_with_and_a_second_log_is_added(replayed: Path) -> None:
    events = shop.events(40, 60, seed=1)
    end = max(int(str(event["time"])) for event in events if isinstance(event["time"], int))
    later = [event | {"time": end + 10 + n, "event_id": f"later {n}"} for n, event in enumerate(events[:50])]
    shop.write(replayed / "shop.jsonl", events + later)
    grown = json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)
    assert grown["events"] == 50
    more = [event | {"time": end + 100 + n, "event_id": f"more {n}"} for n, event in enumerate(events[:30])]
    shop.write(replayed / "more.jsonl", more)
    added = json.loads(crm(replayed, "replay", "shop.jsonl", "more.jsonl", *QUICK, "--json").stdout)
    assert added["events"] == 30
    assert json.loads(crm(replayed, "verify", "--json").stdout)["ok"]


def copies(folder: Path) -> dict[str, bytes]:
    """Return the shop's log as it may be made anew: sorted otherwise, corrected, cut at its beginning."""
    lines = (folder / "shop.jsonl").read_bytes().splitlines(keepends=True)
    return {
        "newest first": b"".join(reversed(lines)),
        "an early cell corrected": b"".join([lines[0].replace(b'"quantity": ', b'"quantity": 1'), *lines[1:]]),
        "an early row left out": b"".join(lines[1:]),
    }


@pytest.mark.parametrize("how", ["newest first", "an early cell corrected", "an early row left out"])
def test_a_log_that_was_made_anew_is_refused_with_what_to_do_and_counts_nothing_twice(replayed: Path, how: str) -> None:
    before = printed_state(replayed)
    (replayed / "shop.jsonl").write_bytes(copies(replayed)[how])
    done = crm(replayed, "replay", "shop.jsonl", *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "crm-online: shop.jsonl begins otherwise than the log of this name that was replayed before: what is in both "
        "would count twice. If it was made anew, replay it into a new --state; "
        "if it is another log, say --another-log\n"
    )
    assert printed_state(replayed) == before
    assert crm(replayed, "replay", "shop.jsonl", "--state", "new", *QUICK).returncode == 0
    assert json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--another-log", "--json").stdout)["events"] > 0
    assert json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)["events"] == 0


def printed_state(folder: Path) -> object:
    return json.loads(crm(folder, "verify", "--json").stdout)


def test_a_rotated_log_goes_on_under_its_name_and_so_does_a_log_of_erasures(replayed: Path) -> None:
    events = shop.events(40, 60, seed=1)
    end = max(int(str(event["time"])) for event in events if isinstance(event["time"], int))
    shop.write(replayed / "shop.jsonl", [event | {"time": end + n} for n, event in enumerate(events[:50])])
    assert json.loads(crm(replayed, "replay", "shop.jsonl", *QUICK, "--json").stdout)["events"] == 50
    for customers in ("c3", "c4"), ("c8", "c9"):
        pairs = zip(("erase", "objection"), customers, strict=True)
        shop.write(
            replayed / "erase.jsonl", [{"type": kind, "customer_id": c, "time": "2020-01-01"} for kind, c in pairs]
        )
        assert json.loads(crm(replayed, "replay", "erase.jsonl", *QUICK, "--json").stdout)["accepted"] == 2


def test_baskets_without_time_are_refused_when_their_file_begins_otherwise(tmp_path: Path) -> None:
    command = ("replay", "baskets.txt", "--preset", "baskets", "--sep", ",", "--json")
    (tmp_path / "baskets.txt").write_text("tea,milk\nbread\n" * 50)
    assert json.loads(crm(tmp_path, *command).stdout)["baskets"] == 100
    (tmp_path / "baskets.txt").write_text("jam\n" + "tea,milk\nbread\n" * 50)
    assert crm(tmp_path, *command).returncode == 2
