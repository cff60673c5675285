"""Events written as native JSON are the same events when they are read again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.events import models
from crm_online.events.building import from_events
from crm_online.events.columns import EventColumns, concat
from crm_online.events.decoding import decode_lines, native_event
from crm_online.events.log import LogReader
from crm_online.events.models import MAX_NUMBER
from crm_online.events.native import keys, to_native
from crm_online.events.options import LogOptions
from crm_online.events.rejects import Refused
from crm_online.events.source import open_source
from crm_online.events.times import BEGIN, END, to_iso

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
LINE = st.fixed_dictionaries(
    {"item": st.none() | NAME},
    optional={
        "quantity": st.floats(0, MAX_NUMBER, exclude_min=True),
        "price": st.floats(0, MAX_NUMBER),
    },
)
LINES = st.lists(LINE, min_size=1, max_size=4)
TIME = st.integers(BEGIN, END - 1).map(to_iso)


def events_of(kind: str, fields: dict[str, Any], *, known: bool = True, **optional: Any) -> st.SearchStrategy[Any]:
    always = {"type": st.just(kind), "time": TIME} | ({"customer_id": NAME} if known else {}) | fields
    return st.fixed_dictionaries(always, optional={"event_id": NAME} | optional)


EVENT = st.one_of(
    events_of("purchase", {"items": LINES}, known=False, customer_id=NAME, basket_id=NAME),
    events_of("return", {"items": LINES}, known=False, customer_id=NAME, basket_id=NAME),
    events_of("view", {}, item=st.none() | NAME),
    events_of("feedback", {"score": st.floats(0, 1)}, text=TEXT),
    events_of("contact", {"channel": TEXT.filter(bool)}, reason=TEXT),
    events_of("profile", {"attributes": st.dictionaries(TEXT, JSON, max_size=4)}),
    events_of("outcome", {"name": TEXT.filter(bool), "value": st.booleans() | st.integers() | FINITE | TEXT}),
    events_of(
        "catalogue",
        {"item": NAME, "available": st.booleans()},
        known=False,
        category=st.text("abc é", min_size=1),
        price=st.floats(0, 1e6),
    ),
    events_of("erase", {}),
    events_of("objection", {}, withdrawn=st.booleans()),
)


def read_again(lines: list[bytes], positions: np.ndarray[Any, np.dtype[np.int64]]) -> EventColumns:
    refused: Refused = {}
    found = decode_lines(
        dict(enumerate(lines)),
        lambda place: native_event(lines[place].decode()),
        positions.tolist(),
        "another",
        refused,
    )
    assert not refused
    return found.events


def as_written(columns: EventColumns) -> EventColumns:
    """Return events as whoever reads them in native form has them: ids that were made are their log's then."""
    return dataclasses.replace(columns, producer=np.zeros_like(columns.producer))


def same(first: EventColumns, second: EventColumns) -> None:
    for field in dataclasses.fields(EventColumns):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other, field.name)
        else:
            # By their JSON: 1 and True are equal, and are not the same value.
            assert json.dumps(one) == json.dumps(other), field.name


@given(st.lists(EVENT, max_size=5))
def test_any_events_are_the_same_when_read_again(raw: list[dict[str, Any]]) -> None:
    columns = from_events([models.EVENT.validate_python(one) for one in raw], range(len(raw)), "log")
    lines = to_native(columns)
    assert not any(b"\n" in line for line in lines)
    same(as_written(columns), read_again(lines, columns.position))


@pytest.mark.parametrize(
    ("name", "preset"),
    [("online_retail.parquet", "online-retail"), ("groceries.csv", "baskets"), ("T10I4D100K.dat", "baskets")],
)
def test_events_of_a_real_log_are_the_same_when_read_again(shared_data: Path, name: str, preset: str) -> None:
    path = shared_data / name
    chunks = LogReader(path, open_source(path), LogOptions(preset=preset), size=20_000).chunks()
    columns = concat([next(chunks).events])
    assert len(columns) > 9_000
    same(as_written(columns), read_again(to_native(columns), columns.position))


def test_the_key_is_the_customer_or_else_the_basket_or_else_the_event() -> None:
    line = {"items": [{"item": "tea"}], "type": "purchase", "time": "2024-01-01", "event_id": "e"}
    raw = [line | {"customer_id": "c", "basket_id": "b"}, line | {"basket_id": "b"}, line]
    assert keys(from_events([models.EVENT.validate_python(one) for one in raw], range(3), "log")) == ["c", "b", "e"]
