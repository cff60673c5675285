"""Logs of any size are read in bounded memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from crm_online.events.log import LogReader
from crm_online.events.options import LogOptions
from crm_online.events.source import open_source
from tests.events.writing import CELLS, HEADER, MAP, ROW

MEGABYTE = 1 << 20
OPEN: dict[str, Callable[[Path, str], Any]] = {".csv": open, ".gz": gzip.open, ".zst": zstandard.open}


@pytest.fixture
def _traced() -> Iterator[None]:
    pd.DataFrame({"warm": ["up"]})
    tracemalloc.start()
    yield
    tracemalloc.stop()


def peak(path: Path) -> tuple[int, int, int]:
    """Return the most memory that was in use while a log was read, its events and its rejects."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    events = rejects = 0
    for chunk in LogReader(path, open_source(path), LogOptions(mapping=MAP)).chunks():
        events += len(chunk.events)
        rejects += len(chunk.rejects)
    return tracemalloc.get_traced_memory()[1] - before, events, rejects


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("kind", [".gz", ".zst"])
def test_a_large_packed_log_takes_no_more_memory_than_some_chunks(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.csv{kind}"
    row = (ROW.replace("\n", "," + "note " * 400 + "\n")).encode()
    with OPEN[kind](path, "wb") as stream:
        stream.write(HEADER.replace("\n", ",note\n").encode())
        for _ in range(30):
            stream.write(row * 1000)
    used, events, rejects = peak(path)
    assert (events, rejects) == (30_000, 0)
    assert used < 30 * MEGABYTE  # the log is 60 MB, a chunk 4 MB


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("name", ["a.csv", "a.csv.zst", "a.jsonl.gz"])
def test_lines_of_three_megabytes_do_not_stay_in_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    long = b"x" * 3 * MEGABYTE + b"\n"
    with OPEN[path.suffix](path, "wb") as stream:
        stream.write(HEADER.encode() if ".csv" in name else json.dumps(CELLS).encode() + b"\n")
        for _ in range(30):
            stream.write(long)
    used, _, rejects = peak(path)
    assert rejects == 30
    assert used < 30 * MEGABYTE  # 90 unpacked
