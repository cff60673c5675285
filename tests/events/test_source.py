"""Which log a file is: the same while it grows or moves, another one otherwise."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import NoSuchLog, UnreadableLog
from crm_online.events.source import HEAD_BYTES, open_source
from tests.events.reading import read
from tests.events.writing import GOOD, HEADER, MAP, ROW, jsonl


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@given(first=st.binary(max_size=50), second=st.binary(max_size=50))
def test_files_have_the_same_id_only_if_they_begin_the_same(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    folder = tmp_path_factory.mktemp("log")
    one, other = (open_source(written(folder / name, text)) for name, text in (("a", first), ("b", second)))
    assert (one.id == other.id) == (first == second)


@pytest.mark.parametrize("size", [0, 10, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 10])
def test_a_log_that_grows_stays_the_same(tmp_path: Path, size: int) -> None:
    first = open_source(written(tmp_path / "a.csv", b"x" * size))
    for more in (1, 100, HEAD_BYTES):
        assert open_source(written(tmp_path / "a.csv", b"x" * size + b"y" * more), [first]) == first


def test_a_long_log_may_be_moved_and_grow_at_once(tmp_path: Path) -> None:
    first = open_source(written(tmp_path / "a.csv", b"x" * HEAD_BYTES))
    assert open_source(written(tmp_path / "b.csv", b"x" * HEAD_BYTES + b"more"), [first]) == first


def test_tiny_logs_with_a_common_beginning_are_different(tmp_path: Path) -> None:
    names = ("a.csv", "b.csv", "c.csv")
    known = [open_source(written(tmp_path / name, HEADER.encode())) for name in names[:1]]
    for name in names[1:]:
        found = open_source(written(tmp_path / name, (HEADER + ROW + name).encode()), known)
        assert found not in known
        known.append(found)
    assert len({source.id for source in known}) == 3


def test_a_log_that_was_cut_or_written_anew_is_another(tmp_path: Path) -> None:
    first = open_source(written(tmp_path / "a.csv", b"x" * 100))
    assert open_source(written(tmp_path / "a.csv", b"x" * 99), [first]) != first
    assert open_source(written(tmp_path / "a.csv", b"y" + b"x" * 200), [first]) != first


def test_events_keep_their_made_ids_when_their_log_grows_or_moves(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", (HEADER + ROW * 2000).encode())
    before = read(path, mapping=MAP).events.event_ids
    moved = path.rename(tmp_path / "b.csv")
    with moved.open("a") as file:
        file.write(ROW)
    assert read(moved, mapping=MAP).events.event_ids[:-1] == before
    assert len(set(before)) == 2000


def test_ids_that_events_bring_along_are_kept_even_twice(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", GOOD | {"event_id": "x"}, GOOD, GOOD | {"event_id": "x"}))
    assert found.events.event_ids == ["x", f"{found.chunks[0].source}-1", "x"]
    table = written(tmp_path / "a.csv", b"id,when\nx,2024-01-01\n,2024-01-01\nx,2024-01-01\n")
    found = read(table, mapping={"event_id": "id", "time": "when"})
    assert found.events.event_ids == ["x", f"{found.chunks[0].source}-1", "x"]


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoSuchLog, match="is a folder"):
        open_source(tmp_path)
    for path in (tmp_path / "none.csv", written(tmp_path / "file", b"") / "inside.csv", tmp_path / "a\0b"):
        with pytest.raises(NoSuchLog, match="no such file"):
            open_source(path)
    with pytest.raises(UnreadableLog, match="no regular file"):
        open_source(tmp_path / "pipe")
    with pytest.raises(UnreadableLog, match="cannot be read: File name too long"):
        open_source(tmp_path / ("x" * 300))


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read anything but this
        path = Path("/proc/self/mem")
        if not path.exists():
            pytest.skip("root can read every file here")
    with pytest.raises(UnreadableLog, match="cannot be read: "):
        open_source(path)
