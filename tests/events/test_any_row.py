"""A log may be gone on with at any row, and at any moment of its being written."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events.reading import Read, read
from tests.events.writing import CELLS, GOOD, HEADER, MAP, ROW, packed

NOTED = HEADER.replace("\n", ",note\n")
CSV_ROWS = [
    ROW.replace("\n", ",\n"),
    ROW.replace("\n", ',"over\ntwo lines"\n').replace("tea", "milk"),
    'b,2024-01-02,"stray,1,1,o,\n',
    "ragged\n",
    "\n",
    "b,2024-01-03,bread,0,1,o2,\n",
]
JSON_ROWS = [json.dumps(line) + "\n" for line in (GOOD, GOOD | {"customer_id": "b", "event_id": "x"}, {"type": "?"})]
BASKET_ROWS = ["tea,milk\n", "\n", "bread\n", "te\x07a\n"]
ROWS = {".csv": (NOTED, CSV_ROWS), ".jsonl": ("", [*JSON_ROWS, "\n", "{\n"]), ".dat": ("tea, milk\n", BASKET_ROWS)}
OPTIONS: dict[str, dict[str, object]] = {".csv": {"mapping": MAP}, ".jsonl": {}, ".dat": {"preset": "baskets"}}


def read_as(path: Path, kind: str, *, begin: int = 0, size: int = 2000) -> Read:
    if kind == ".dat":
        return read(path, preset="baskets", begin=begin, size=size)
    return read(path, mapping=None if kind == ".jsonl" else MAP, begin=begin, size=size)


def same_rows(whole: Read, rest: Read, begin: int) -> None:
    """Check that what was read from a row on is what was read of it from the beginning."""
    kept = whole.events.select(whole.events.position >= begin)
    assert rest.events.event_ids == kept.event_ids
    for name in ("position", "kind", "customer", "time", "basket", "item", "quantity", "price"):
        assert np.array_equal(getattr(rest.events, name), getattr(kept, name)), name
    assert (rest.events.customers, rest.events.items) == (kept.customers, kept.items)
    assert rest.rejects == [reject for reject in whole.rejects if reject.row >= begin]


@pytest.mark.parametrize("kind", ROWS)
@given(data=st.data(), pack=st.sampled_from(["", ".gz", ".zst"]), begin=st.integers(0, 14), size=st.integers(1, 12))
@settings(max_examples=40)
def test_from_any_row_on_the_same_rows_are_read(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject, pack: str, begin: int, size: int
) -> None:
    head, rows = ROWS[kind]
    content = head + "".join(data.draw(st.lists(st.sampled_from(rows), max_size=12)))
    path = packed(tmp_path_factory.mktemp("log") / f"a{kind}{pack}", content.encode())
    whole, rest = read_as(path, kind), read_as(path, kind, begin=begin, size=size)
    same_rows(whole, rest, begin)
    places = [chunk.begin for chunk in rest.chunks] + [chunk.end for chunk in rest.chunks[-1:]]
    assert all(later - earlier == size for earlier, later in list(pairwise(places))[:-1])


@given(groups=st.integers(1, 30), begin=st.integers(0, 30), size=st.integers(1, 30))
@settings(max_examples=40)
def test_from_any_row_on_the_same_rows_are_read_of_parquet_with_any_row_groups(
    tmp_path_factory: pytest.TempPathFactory, groups: int, begin: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.parquet"
    rows = [CELLS | {"who": n % 4 or None, "what": f"i{n}", "pieces": n % 5} for n in range(25)]
    pd.DataFrame(rows).to_parquet(path, row_group_size=groups)
    same_rows(read_as(path, ".parquet"), read_as(path, ".parquet", begin=begin, size=size), begin)


@pytest.mark.parametrize("kind", ROWS)
@given(data=st.data())
@settings(max_examples=60)
def test_a_log_read_while_it_is_written_and_gone_on_with_has_each_row_once(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    head, rows = ROWS[kind]
    rows = [row for row in rows if "stray" not in row]
    content = (head + "".join(data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=8)))).encode()
    path = tmp_path_factory.mktemp("log") / f"a{kind}"
    path.write_bytes(content)
    whole = read_as(path, kind)
    cut = data.draw(st.integers(len(head), len(content)))
    path.write_bytes(content[:cut])
    first = read_as(path, kind)
    path.write_bytes(content)
    rest = read_as(path, kind, begin=first.rows)
    told = [reject.row for reject in first.rejects if reject.reason != "half-written last line"]
    seen = [*first.events.position.tolist(), *told, *rest.events.position.tolist(), *[one.row for one in rest.rejects]]
    assert sorted(seen) == list(range(whole.rows))
