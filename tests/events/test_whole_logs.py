"""Whatever bytes a file holds: each of its rows is an event or a reject, or one line says why it is no log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm_online.errors import InputError
from tests.events.reading import Read, read
from tests.events.writing import CELLS, GOOD, HEADER, MAP, ROW

PIECES = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"\xe9", b"\xef\xbb\xbf", b"\0", b"{", b"}", b"[", b"NaN"]
WHOLE = {
    "a.csv": [HEADER.encode(), ROW.encode(), ROW[:-1].encode()],
    "a.jsonl": [json.dumps(GOOD).encode(), json.dumps(CELLS).encode()],
    "a.dat": [b"tea, milk\n", b"tea milk"],
}


def content(kind: str) -> st.SearchStrategy[bytes]:
    pieces = st.sampled_from([*WHOLE[kind] * 3, b"\n", b"\n", *PIECES]) | st.binary(max_size=6)
    return st.lists(pieces, max_size=12).map(b"".join)


def read_or_refuse(path: Path, **how: object) -> Read | None:
    preset = "baskets" if path.suffix == ".dat" else None
    mapping = MAP if path.suffix == ".csv" or how.get("mapped") else None
    try:
        return read(path, preset=preset, mapping=mapping, size=3)
    except InputError as error:
        told = str(error)
    assert len(told.splitlines()) == 1
    return None


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data(), mapped=st.booleans())
@settings(max_examples=150)
def test_every_row_of_any_file_is_an_event_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject, mapped: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / kind
    head = WHOLE[kind][0] if data.draw(st.booleans()) else b""
    path.write_bytes(head + data.draw(content(kind)))
    found = read_or_refuse(path, mapped=mapped)  # checks the rows
    for reject in found.rejects if found else ():
        assert reject.reason
        json.loads(json.dumps(reject.value())).get("raw").encode()


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.parquet", "a.jsonl.gz"])
@given(noise=st.binary(max_size=40))
@example(noise=b"")
@settings(max_examples=30)
def test_noise_instead_of_an_archive_is_refused_or_holds_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("log") / name
    path.write_bytes(noise)
    found = read_or_refuse(path, mapped=True)
    assert found is None or not len(found.events)
