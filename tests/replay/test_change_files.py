"""The folder of changes: one state's, each change once, and none missing that the state still keeps."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_online.errors import InputError
from crm_online.replay.files import MARKER_FILE, ChangeFiles
from crm_online.step import ChangeId, Entry, Topic
from crm_online.store import open_store
from crm_online.store.keys import CHANGES, key
from tests.command import crm_online, printed
from tests.replay import shop
from tests.servers.embedded import admin

OPTIONS = shop.OPTIONS


def grown(folder: Path, number: int) -> None:
    """Let a log grow by visits of the same customers, a day later each time."""
    events = shop.events(40, 60, seed=1)
    end = max(int(str(event["time"])) for event in events if isinstance(event["time"], int))
    more = [
        event | {"time": end + 86_400 * number + n, "event_id": f"{number}-{n}"} for n, event in enumerate(events[:60])
    ]
    with (folder / "shop.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in more)


def lines(folder: Path, topic: str = "segment-changes") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{topic}.jsonl").read_text().splitlines()]


def numbers(folder: Path) -> Iterator[tuple[int, int]]:
    for topic in Topic:
        for line in lines(folder, topic):
            partition, _, sequence = map(int, str(line["change_id"]).split("-"))
            yield partition, sequence


def test_changes_of_a_run_without_a_folder_are_in_it_after_the_next_run_with_it(shop_copy: Path) -> None:
    printed(shop_copy, "erase", "c3", "--yes")
    grown(shop_copy, 1)
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS)
    grown(shop_copy, 2)
    done = json.loads(printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes", "--json"))
    assert done["lost"] == 0
    [gone] = [line for line in lines(shop_copy / "changes") if line["reason"] == "erase"]
    assert (gone["customer_id"], gone["to"]) == ("c3", None)
    found = sorted(numbers(shop_copy / "changes"))
    for partition in range(2):
        here = [sequence for number, sequence in found if number == partition]
        assert here == list(range(1, len(here) + 1)), "every change once"


def test_changes_and_exports_are_for_their_owner_only(shop_copy: Path) -> None:
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "new/changes")
    printed(shop_copy, "export", "new/tables")
    for folder in (shop_copy / "new" / "changes", shop_copy / "new" / "tables"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = [*folder.iterdir()]
        assert len(files) > 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_two_folders_in_turns_are_both_whole_but_for_who_was_erased_in_between(shop_copy: Path) -> None:
    grown(shop_copy, 1)
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "other")
    begun = set(numbers(shop_copy / "other"))
    grown(shop_copy, 2)
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes")
    assert begun <= set(numbers(shop_copy / "changes"))
    assert len(set(numbers(shop_copy / "changes"))) == len(list(numbers(shop_copy / "changes")))


def test_what_is_kept_no_more_is_counted_and_told(shop_copy: Path) -> None:
    grown(shop_copy, 1)
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS)
    with open_store(str(shop_copy / ".crm-online")) as store, admin(store) as client:
        for number in range(2):
            for name in CHANGES.values():
                client.ltrim(key(number, name).decode(), -1, -1)
    done = crm_online(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes")
    assert done.returncode == 0
    assert "changes lacks" in done.stderr
    again = json.loads(printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes", "--json"))
    assert again["lost"] == 0, "told once"


def test_a_folder_of_another_state_is_refused_and_nothing_of_either_changes(shop_copy: Path) -> None:
    shop.write(shop_copy / "b.jsonl", shop.events(40, 60, seed=2))
    before = {path.name: path.read_bytes() for path in (shop_copy / "changes").iterdir()}
    done = crm_online(shop_copy, "replay", "b.jsonl", "--state", "other", *OPTIONS, "--out", "changes")
    assert done.returncode == 2
    assert done.stderr == (
        "crm-online: changes has the changes of another state: name another folder, "
        "or remove this one if that state is gone\n"
    )
    assert {path.name: path.read_bytes() for path in (shop_copy / "changes").iterdir()} == before
    assert json.loads(printed(shop_copy, "replay", "b.jsonl", "--state", "other", *OPTIONS, "--json"))["accepted"]


def test_a_state_that_was_made_anew_does_not_go_on_in_its_old_folder(shop_copy: Path) -> None:
    shutil.rmtree(shop_copy / ".crm-online")
    assert crm_online(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes").returncode == 2
    shutil.rmtree(shop_copy / "changes")
    printed(shop_copy, "replay", "shop.jsonl", *OPTIONS, "--out", "changes")


@pytest.mark.parametrize("owner", [None, "", "no JSON", "[]", '{"state": "s"}', '{"state": "s", "written": {"a": 1}}'])
def test_files_of_nobody_known_are_refused(tmp_path: Path, owner: str | None) -> None:
    (tmp_path / "rules.jsonl").write_text('{"change_id":"0-0-1"}\n')
    if owner is not None:
        (tmp_path / MARKER_FILE).write_text(owner)
    with pytest.raises(Exception, match=r"name another folder"):
        ChangeFiles(tmp_path, "s", {0: 0})


def test_what_a_kill_left_of_a_batch_is_written_though_other_files_are_further(tmp_path: Path) -> None:
    entries = [
        Entry(topic, "k", b'{"change_id":"0-0-%d"}' % number, ChangeId(0, 0, number))
        for number, topic in enumerate([Topic.RULES, Topic.SEGMENTS] * 3, start=1)
    ]
    with ChangeFiles(tmp_path, "s", {0: 0}) as files:
        files.write(0, entries)
    (tmp_path / "segments.jsonl").write_bytes(entries[1].value + b"\n" + entries[3].value[:9])
    (tmp_path / MARKER_FILE).write_text('{"state": "s", "written": {"0": 2}}')  # as it was before the last batch
    with ChangeFiles(tmp_path, "s", {0: 0}) as files:
        assert files.written == {0: 2}
        files.write(0, entries[2:])
    assert [line["change_id"] for line in lines(tmp_path, "segments")] == ["0-0-2", "0-0-4", "0-0-6"]
    assert [line["change_id"] for line in lines(tmp_path, "rules")] == ["0-0-1", "0-0-3", "0-0-5"]


def test_a_full_disk_is_told_in_words_and_leaves_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry(Topic.RULES, "k", b'{"change_id":"0-0-%d"}' % number, ChangeId(0, 0, number)) for number in (1, 2)]

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with ChangeFiles(tmp_path, "s", {0: 0}) as files, monkeypatch.context() as patched:
        files.write(0, entries[:1])
        patched.setattr("os.fsync", full)
        with pytest.raises(InputError, match=r": No space left on device; nothing is lost: mend that"):
            files.write(0, entries[1:])
    assert json.loads((tmp_path / MARKER_FILE).read_text())["written"] == {"0": 1}
