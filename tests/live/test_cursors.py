"""Cursors are read as they are written, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import InputError
from crm_online.live.feeds import cursors
from crm_online.step import ChangeId

NUMBERS = st.integers(0, 10**15 - 1)
CURSORS = st.dictionaries(st.integers(0, 255), st.tuples(NUMBERS, NUMBERS), min_size=1).map(
    lambda found: {partition: ChangeId(partition, *last) for partition, last in found.items()}
)
NONSENSE = ["", ",", "0", "0-0", "0-0-1,", ",0-0-1", "0-0-1,0-0-2", "0-0-1 ", "0-0-1\n", "00-0-1", "0--1", "-0-0-1"]
NONSENSE += ["0-0-+1", "0-0-1_0", "\u0660-0-1", "0-0-1000000000000000", "0-0-1;1-0-1", "x", "0-0-1," * 10_000]


@given(CURSORS)
def test_a_cursor_is_read_as_it_was_written(cursor: dict[int, ChangeId]) -> None:
    written = cursors.text(cursor)
    assert cursors.parse(written) == cursor
    assert cursors.text(cursors.parse(written)) == written


def test_a_cursor_in_as_many_partitions_as_there_can_be_is_read() -> None:
    cursor = {partition: ChangeId(partition, 10**15 - 1, 10**15 - 1) for partition in range(256)}
    assert cursors.parse(cursors.text(cursor)) == cursor


@pytest.mark.parametrize("written", NONSENSE)
def test_nonsense_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="not one: change ids"):
        cursors.parse(written)


@given(st.one_of(st.text(), st.text("0123456789-,", max_size=30)))
def test_what_is_read_is_what_would_be_written_or_it_is_refused(written: str) -> None:
    try:
        cursor = cursors.parse(written)
    except InputError:
        return
    assert sorted(written.split(",")) == sorted(cursors.text(cursor).split(","))
