"""Why rows were rejected is told though nobody asked for files."""

from __future__ import annotations

import json
from pathlib import Path

from crm_online.events.rejects import MOST_REASONS, OTHER, Reject, RejectTally
from tests.command import crm_online
from tests.replay import shop

BAD = {"type": "purchase", "customer_id": "", "time": 0}


def test_a_log_of_which_nothing_is_accepted_says_so_with_the_first_reason_and_its_place(tmp_path: Path) -> None:
    shop.write(tmp_path / "bad.jsonl", [BAD, {"type": "sale", "time": 0}, BAD])
    done = crm_online(tmp_path, "replay", "bad.jsonl", "--json")
    assert done.returncode == 0
    assert done.stderr == (
        "none of 3 rows was accepted; the first is bad.jsonl:1: customer_id is empty (--out DIR keeps them all)\n"
    )
    reasons = json.loads(done.stdout)["reject_reasons"]
    assert next(iter(reasons.items())) == ("customer_id is empty", 2)
    assert sum(reasons.values()) == 3


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
    tally.add(Reject(f"reason {n % 500}", None, "a:1", "", n) for n in range(1000))
    assert len(tally.reasons) == MOST_REASONS + 1
    assert (tally.reasons["reason 0"], tally.reasons[OTHER]) == (2, 800)
