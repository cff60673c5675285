"""`crm-online erase`: one customer gone by command, and the log goes on as if the command had no place in it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crm_online.commands.erase import erase
from crm_online.errors import SettingsConflict, UnknownCustomer
from crm_online.store import open_store
from tests.api.asking import ask, ready
from tests.command import crm_online, printed
from tests.replay import shop
from tests.servers.serving import serving

OPTIONS = shop.OPTIONS


def verified(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(folder, "verify", "--json"))
    assert found["ok"], found["differences"]
    return found


def test_the_customer_goes_and_all_figures_and_positions_stay_right(shop_copy: Path) -> None:
    before = json.loads(printed(shop_copy, "customer", "c3", "--json"))
    said = json.loads(printed(shop_copy, "erase", "c3", "--yes", "--json"))
    assert said == {
        **{key: before[key] for key in ("customer_id", "segment", "events", "last_event")},
        "partitions": said["partitions"],
    }
    assert len(said["partitions"]) == 1
    assert crm_online(shop_copy, "customer", "c3").returncode == 2
    assert verified(shop_copy)["customers"] == 36
    with open_store(str(shop_copy / ".crm-online"), create=False) as store:
        [partition] = map(store.partition, said["partitions"])
        held = [dict(partition.hash_all(name)) for name in ("customers", "sample", "said", "bought", "open-baskets")]
        assert not any(b"c3" in keys for keys in held)
        assert b"c3" not in partition.list_range("roster", 0, -1)


def test_the_next_replay_tells_the_move_to_nowhere_and_goes_on_where_it_was(shop_copy: Path) -> None:
    events = shop.events(40, 60, seed=1)
    was = json.loads(printed(shop_copy, "customer", "c3", "--json"))["segment"]
    printed(shop_copy, "erase", "c3", "--yes")
    end = max(int(str(event["time"])) for event in events if isinstance(event["time"], int))
    later = [event | {"time": end + n, "event_id": f"later {n}"} for n, event in enumerate(events[:20])]
    shop.write(shop_copy / "shop.jsonl", events + later)
    done = json.loads(printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes", "--json"))
    assert done["events"] == 20
    told = [json.loads(line) for line in (shop_copy / "changes" / "segment-changes.jsonl").read_text().splitlines()]
    [last] = [change for change in told if change["reason"] == "erase"]
    assert (last["customer_id"], last["from"], last["to"]) == ("c3", was, None)
    verified(shop_copy)


def test_erased_by_command_or_by_an_event_of_a_log_the_same_is_left(
    shop_copy: Path, replayed_shop: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(replayed_shop, tmp_path / "other")
    shop.write(other / "erase.jsonl", [{"type": "erase", "customer_id": "c3", "time": "2099-01-01"}])
    printed(other, "replay", "erase.jsonl", *OPTIONS)
    printed(shop_copy, "erase", "c3", "--yes")
    for command in (("segments",), ("rules",), ("customer", "c8")):
        assert printed(shop_copy, *command, "--json") == printed(other, *command, "--json")


def test_an_id_that_is_no_text_is_one_line_on_a_real_command_line(shop_copy: Path) -> None:
    for command in (("customer", "\udcff"), ("erase", "\udcff", "--yes"), ("recommend", "--customer", "\udcff")):
        done = crm_online(shop_copy, *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("crm-online: ")
        assert done.stderr.count("\n") == 1
        assert "is not UTF-8" in done.stderr
    with pytest.raises(UnknownCustomer):
        erase(str(shop_copy / ".crm-online"), "\udcff")


def test_somebody_unknown_is_one_line_and_nothing_happens(shop_copy: Path) -> None:
    before = verified(shop_copy)
    done = crm_online(shop_copy, "erase", "nobody", "--yes", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "crm-online: no customer 'nobody' in the state\n"
    with pytest.raises(UnknownCustomer):
        erase(str(shop_copy / ".crm-online"), "nobody")
    assert verified(shop_copy) == before


def test_where_nobody_can_be_asked_yes_must_be_said(shop_copy: Path) -> None:
    before = verified(shop_copy)
    done = subprocess.run(
        [sys.executable, "-m", "crm_online", "erase", "c3"],
        cwd=shop_copy,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "say --yes" in done.stderr
    assert verified(shop_copy) == before


@pytest.mark.parametrize(("answer", "customers"), [("", 37), ("YES", 36)])
def test_a_person_is_asked_who_it_is_first(shop_copy: Path, answer: str, customers: int) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "crm_online", "erase", "c3"],
        cwd=shop_copy,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, f"{answer}\n".encode())
        out, err = process.communicate()
    os.close(ours)
    os.close(theirs)
    assert err.startswith("Erase customer c3, in ")
    assert (process.returncode, out.startswith("erased: customer c3")) == ((0, True) if customers == 36 else (2, False))
    assert verified(shop_copy)["customers"] == customers


def test_a_state_of_kafka_workers_is_theirs(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "state")) as store:
        store.initialise(1, "{}", "kafka:crm.events")
    with pytest.raises(SettingsConflict, match=r"fed by kafka:crm\.events: its workers erase"):
        erase(str(tmp_path / "state"), "c3")


def test_no_file_of_the_state_keeps_what_was_rejected_about_the_customer_and_an_old_log_brings_nobody_back(
    shop_copy: Path,
) -> None:
    complaint = json.dumps({"type": "complaint", "customer_id": "c3", "about": "call her at home"})
    (shop_copy / "more.jsonl").write_text(complaint + "\n" + (shop_copy / "shop.jsonl").read_text())
    printed(shop_copy, "replay", "more.jsonl", *OPTIONS, "--another-log")
    files = [path for path in (shop_copy / ".crm-online").rglob("*") if path.is_file()]
    assert any(b"call her" in path.read_bytes() for path in files)
    printed(shop_copy, "erase", "c3", "--yes")
    for path in (shop_copy / ".crm-online").rglob("*"):
        assert not path.is_file() or b"call her" not in path.read_bytes(), path
    shutil.copy(shop_copy / "shop.jsonl", shop_copy / "old.jsonl")
    printed(shop_copy, "replay", "old.jsonl", *OPTIONS, "--another-log")
    assert crm_online(shop_copy, "customer", "c3").returncode == 2
    verified(shop_copy)


def complained(folder: Path) -> list[Path]:
    """Return the files of the state that have the complaint about c3."""
    files = (path for path in (folder / ".crm-online").rglob("*") if path.is_file())
    return [path for path in files if b"call her" in path.read_bytes()]


def test_no_file_keeps_it_after_an_event_of_a_log_or_over_http_though_the_service_is_killed(shop_copy: Path) -> None:
    complaint: dict[str, object] = {"type": "complaint", "customer_id": "c3", "about": "call her at home"}
    gone = {"type": "erase", "customer_id": "c3", "time": "2023-12-01T00:00:00Z"}
    for turn, way in enumerate(("log", "http", "killed")):
        view: dict[str, object] = {"type": "view", "customer_id": "c4", "time": "2023-12-01T00:00:00Z"}
        shop.write(shop_copy / "more.jsonl", [complaint | {"time": turn}, view | {"event_id": f"view {turn}"}])
        printed(shop_copy, "replay", "more.jsonl", *OPTIONS, "--another-log")
        assert complained(shop_copy)
        if way == "log":
            (shop_copy / "erase.jsonl").write_text(json.dumps(gone) + "\n")
            printed(shop_copy, "replay", "erase.jsonl", *OPTIONS)
        else:
            with serving(shop_copy) as served:
                ready(served.url)
                assert ask(served.url, "/v1/events", gone).status == 202
                if way == "killed":
                    served.kill()
                    served.start()
                    ready(served.url)
                    assert ask(served.url, "/v1/events", view).status == 202
        assert not complained(shop_copy), way
