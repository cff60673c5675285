"""Logs in order of time: what an export by customer, or the newest first, tells is what the shop's own log tells."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from random import Random

import pytest

from crm_online.errors import InputError, LogMadeAnew
from crm_online.events.in_order import in_order
from crm_online.events.log import LogReader
from crm_online.events.options import NO_OPTIONS, LogOptions
from crm_online.events.source import open_source
from crm_online.replay import replay
from crm_online.settings import load_settings
from tests.command import crm_online as crm
from tests.replay import shop

IN_ORDER = LogOptions(in_order=True)
SETTINGS = load_settings(None, ["segments.min_customers=20"]).settings


def _distinct(customers: int = 40, days: int = 70) -> list[dict[str, object]]:
    """Return events with ids and times of their own, so that order of time is one order."""
    found = [event for event in shop.events(customers, days, seed=4) if isinstance(event["time"], int)]
    by_id = {event.get("event_id", json.dumps(event)): event for event in found}
    by_time = {int(str(event["time"])): event for event in by_id.values()}
    return [by_time[time] | {"event_id": f"e{time}"} for time in sorted(by_time)]


def _changes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}


def test_rows_in_any_order_tell_what_the_log_in_order_of_time_tells(tmp_path: Path) -> None:
    events = _distinct()
    shuffled = Random(7).sample(events, len(events))
    straight = shop.write(tmp_path / "straight.jsonl", events)
    half = len(events) // 2
    parts = [shop.write(tmp_path / "b.jsonl", shuffled[:half]), shop.write(tmp_path / "a.jsonl", shuffled[half:])]
    expected = replay(straight, settings=SETTINGS, state=str(tmp_path / "s"), out=tmp_path / "so")
    done = replay(parts, settings=SETTINGS, state=str(tmp_path / "t"), out=tmp_path / "to", options=IN_ORDER)
    assert (done.accepted, done.late) == (expected.accepted, 0)
    assert expected.segment_changes > 40
    assert _changes(tmp_path / "to") == _changes(tmp_path / "so")
    again = replay(parts, settings=SETTINGS, state=str(tmp_path / "t"), out=tmp_path / "to", options=IN_ORDER)
    assert again.events == 0


def test_sorted_runs_are_merged_and_what_is_no_event_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"c{day % 3},2026-01-{day:02},tea {day}" for day in range(1, 32)]
    path.write_text("\n".join(["who,day,what", *reversed(rows), "c1,some day,tea", ""]))
    options = LogOptions(mapping={"customer_id": "who", "time": "day", "item": "what"})
    with in_order([path], options, run=7) as ordered:
        chunks = list(LogReader(ordered.path, open_source(ordered.path)).chunks())
    times = [time for chunk in chunks for time in chunk.events.time.tolist()]
    assert times == sorted(times)
    assert len(times) == 31
    assert sum(ordered.rejects.reasons.values()) == 1
    assert ordered.rejects.first is not None
    assert ordered.rejects.first.position == "a.csv:33"


def test_logs_that_have_changed_are_refused_as_their_rows_would_lie_elsewhere(tmp_path: Path) -> None:
    events = _distinct(days=30)
    path, state = shop.write(tmp_path / "a.jsonl", events[::-1]), str(tmp_path / "s")
    replay(path, settings=SETTINGS, state=state, options=IN_ORDER)
    shop.write(path, [*events[:-1:-1], *events[:5], *events[6:]])
    with pytest.raises(LogMadeAnew, match=r"a\.jsonl in order of time is another log"):
        replay(path, settings=SETTINGS, state=state, options=IN_ORDER)
    assert replay(shop.write(path, events[::-1]), settings=SETTINGS, state=state, options=IN_ORDER).events == 0


def test_a_log_that_is_not_in_order_is_told_and_what_to_do(tmp_path: Path) -> None:
    events = _distinct(days=30)
    shop.write(tmp_path / "a.jsonl", events[::-1])
    told = crm(tmp_path, "replay", "a.jsonl", "--set", "segments.min_customers=20")
    assert told.returncode == 0
    assert "lie more than a day behind" in told.stderr
    assert "--in-order" in told.stderr
    done = crm(
        tmp_path, "replay", "a.jsonl", "--set", "segments.min_customers=20", "--in-order", "--state", "t", "--json"
    )
    assert done.returncode == 0
    assert "--in-order" not in done.stderr
    result = json.loads(done.stdout)
    assert (result["accepted"], result["late"], result["position"]) == (len(events), 0, {"a.jsonl": len(events)})
    assert NO_OPTIONS.arguments() == []
    assert IN_ORDER.arguments() == ["--in-order"]


def test_without_room_to_sort_it_says_so_and_reads_nothing(tmp_path: Path) -> None:
    path = shop.write(tmp_path / "a.jsonl", _distinct(days=30))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, usual[1]))
    try:
        with pytest.raises(InputError, match="cannot be sorted in"), in_order([path], NO_OPTIONS):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
