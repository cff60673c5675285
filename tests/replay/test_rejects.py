"""Why rows were rejected is told though nobody asked for files."""

from __future__ import annotations

import json
from pathlib import Path

from crm_online.events.rejects import MOST_REASONS, OTHER, RejectedRow, RejectTally
from tests.command import crm_online
from tests.replay import shop

BAD = {"type": "purchase", "customer_id": "", "time": 0}


TABLE = "who,when,what\na,26.12.2025,tea\nb,27.12.2025,jam\n"
WRONG = ("--map", "customer_id=who", "--map", "time=when", "--map", "item=what")
RIGHT = (*WRONG, "--time-format", "dd.mm.yyyy")


def test_a_log_of_which_nothing_is_accepted_is_refused_with_the_commonest_reasons_and_stays_unread(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    done = crm_online(tmp_path, "replay", "a.csv", *WRONG, "--json", "--out", "changes")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "crm-online: none of the 2 rows of a.csv is an event: "
        "time is not an ISO 8601 time such as 2017-01-31T12:00:00Z (2); "
        "the first as read: customer_id='a', time='26.12.2025', item='tea'; "
        "nothing was read, and crm-online replay --check a.csv shows how it could be\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    again = crm_online(tmp_path, "replay", "a.csv", *RIGHT, "--json")
    assert json.loads(again.stdout)["accepted"] == 2, again.stderr


def test_what_is_refused_leaves_a_state_as_it_was_and_other_logs_of_the_command_unread(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text(TABLE.replace("26.12", "2.12").replace("27.12", "3.12"))
    assert crm_online(tmp_path, "replay", "b.csv", *RIGHT).returncode == 0
    before = crm_online(tmp_path, "verify", "--json").stdout
    shop.write(tmp_path / "c.jsonl", shop.events(5, 5, seed=1))
    done = crm_online(tmp_path, "replay", "c.jsonl", "a.csv")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert crm_online(tmp_path, "replay", "a.csv", *WRONG).returncode == 2
    assert crm_online(tmp_path, "verify", "--json").stdout == before
    assert json.loads(crm_online(tmp_path, "replay", "a.csv", *RIGHT, "--json").stdout)["events"] == 2


def test_a_log_that_begins_with_thousands_of_rejects_is_read(tmp_path: Path) -> None:
    shop.write(tmp_path / "a.jsonl", [BAD] * 4500 + shop.events(2, 2, seed=1))
    done = json.loads(crm_online(tmp_path, "replay", "a.jsonl", "--json").stdout)
    assert done["rejected"] == 4500
    assert done["accepted"] > 0


def test_the_rows_that_nothing_asks_for_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE)
    done = crm_online(tmp_path, "replay", "a.csv", *RIGHT, "--where", "what=beer")
    assert done.returncode == 2
    assert "none of the 2 rows of a.csv has what=beer, which --where asks for" in done.stderr


def test_reasons_are_those_of_this_run_over_all_partitions_and_logs(tmp_path: Path) -> None:
    events = shop.events(40, 60, seed=1)
    bad = sum(event["time"] == "yesterday" for event in events)
    shop.write(tmp_path / "a.jsonl", events)
    shop.write(tmp_path / "b.jsonl", [BAD, *events[:3]])
    run = ("replay", "a.jsonl", "b.jsonl", "--set", "replay.partitions=3", "--out", "changes", "--json")
    done = crm_online(tmp_path, *run)
    assert done.stderr.startswith(f"{bad + 1} of {len(events) + 4:,} rows were rejected; the first is a.jsonl:78: ")
    assert done.stderr.count("\n") == 1
    found = json.loads(done.stdout)
    assert sum(found["reject_reasons"].values()) == found["rejected"] == bad + 1
    again = crm_online(tmp_path, *run)
    assert (json.loads(again.stdout)["reject_reasons"], again.stderr) == ({}, "")


def test_however_many_reasons_there_are_so_many_are_kept_apart() -> None:
    tally = RejectTally()
    tally.add(RejectedRow(f"reason {n % 500}", None, "a:1", "", n) for n in range(1000))
    assert len(tally.reasons) == MOST_REASONS + 1
    assert (tally.reasons["reason 0"], tally.reasons[OTHER]) == (2, 800)
