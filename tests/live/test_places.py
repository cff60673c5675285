"""Places are read as they are written, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import InputError
from crm_online.live.feeds import places

MARKS = st.tuples(st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
NONSENSE = ["", ",", "0", "0-0", "0-0-1,", ",0-0-1", "0-0-1,0-0-2", "0-0-1 ", "0-0-1\n", "00-0-1", "0--1", "-0-0-1"]
NONSENSE += ["0-0-+1", "0-0-1_0", "\u0660-0-1", "0-0-1000000000000000", "0-0-1;1-0-1", "x", "0-0-1," * 10_000]


@given(st.dictionaries(st.integers(0, 255), MARKS, min_size=1))
def test_a_place_is_read_as_it_was_written(place: dict[int, places.Mark]) -> None:
    written = places.text(place)
    assert places.parse(written) == place
    assert places.text(places.parse(written)) == written


def test_a_place_in_as_many_partitions_as_there_can_be_is_read() -> None:
    place = dict.fromkeys(range(256), (10**15 - 1, 10**15 - 1))
    assert places.parse(places.text(place)) == place


@pytest.mark.parametrize("written", NONSENSE)
def test_nonsense_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="not one: change ids"):
        places.parse(written)


@given(st.one_of(st.text(), st.text("0123456789-,", max_size=30)))
def test_what_is_read_is_what_would_be_written_or_it_is_refused(written: str) -> None:
    try:
        place = places.parse(written)
    except InputError:
        return
    assert sorted(written.split(",")) == sorted(places.text(place).split(","))
