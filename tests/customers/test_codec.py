"""The bytes of records at their extremes: what is in them, how long they are, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import MOVES, NEVER, RECENT, Records
from crm_online.errors import StateCorrupt, StateTooNew

CODEC = RecordCodec(sums=8, features=11)
LAST = 4_260_211_199_999
"""The last millisecond of 2104."""
times = st.one_of(st.just(int(NEVER)), st.integers(0, LAST))
counts = st.integers(0, 2**32 - 1)
floats = st.floats(allow_nan=False).map(lambda number: number + 0.0)  # a -0.0 comes back as 0.0


@st.composite
def records(draw: st.DrawFn) -> Records:
    """Draw the records of a few customers, with 0 to 40 events and 0 to 4 moves."""
    n = draw(st.integers(0, 4))
    some = CODEC.blank(n)
    for row in range(n):
        for name in ("first_event", "last_event", "first_purchase", "last_purchase"):
            getattr(some, name)[row] = draw(times)
        for name in ("purchases", "returns", "scored_at", "since", "queued"):
            getattr(some, name)[row] = draw(counts)
        for name in ("nearest", "reported"):
            getattr(some, name)[row] = draw(st.integers(0, 255))
        some.model_version[row] = draw(st.integers(0, 65535))
        some.spend[row], some.items[row] = draw(floats), draw(floats)
        some.sums[row] = draw(st.lists(floats, min_size=8, max_size=8))
        memory = draw(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=8, max_size=8))
        some.memory[row] = np.reshape(memory, (4, 2))
        some.band[row], some.left_band[row] = draw(st.integers(0, 255)), draw(st.integers(0, 255))
        some.band_since[row] = draw(counts)
        some.vectors[row] = draw(st.lists(st.integers(-32767, 32767), min_size=11, max_size=11))
        some.events[row] = draw(st.integers(0, 40))
        kept = min(int(some.events[row]), RECENT)
        some.recent[row, :kept] = draw(st.lists(st.integers(1, 2**48 - 1), min_size=kept, max_size=kept))
        some.own[row], some.target_bands[row] = draw(st.binary(max_size=300)), bytes(6 * draw(st.integers(0, 8)))
        for place in range(draw(st.integers(0, MOVES))):
            number = draw(st.integers(0, 65535))
            some.moves[row, place] = (draw(st.integers(1, 2**32 - 1)), number, 65535 - number, draw(st.integers(1, 4)))
    return some


@settings(max_examples=50)
@given(some=records())
def test_records_come_back_as_they_were(some: Records) -> None:
    raw = CODEC.encode(some)
    again = CODEC.decode(list(raw))
    for field in fields(some):
        assert getattr(again, field.name).dtype == getattr(some, field.name).dtype, field.name
        if field.name not in ("own", "target_bands"):
            assert getattr(again, field.name).tobytes() == getattr(some, field.name).tobytes(), field.name
    assert again.own.tolist() == some.own.tolist()
    assert again.target_bands.tolist() == some.target_bands.tolist()
    assert CODEC.encode(again) == raw


@settings(max_examples=50)
@given(some=records())
def test_a_record_is_as_long_as_what_is_in_it(some: Records) -> None:
    sums, moves = np.count_nonzero(some.sums, axis=1), np.count_nonzero(some.moves["time"], axis=1)
    own = np.array([len(one) + len(bands) for one, bands in zip(some.own, some.target_bands, strict=True)], int)
    expected = (134 + 8 * sums + 6 * np.minimum(some.events, RECENT) + 9 * moves + own).tolist()
    assert [len(one) for one in CODEC.encode(some)] == expected


@pytest.mark.parametrize("change", [-173, -172, -26, -18, -10, -7, -1, 1, 8, 10, 45])
def test_a_record_of_a_length_that_cannot_be_is_corrupt(change: int) -> None:
    some = CODEC.blank(1)
    some.events[0], some.sums[0, 2:5] = 3, 1.5
    some.recent[0, :3] = 5
    raw = CODEC.encode(some)[0]
    with pytest.raises(StateCorrupt):
        CODEC.decode([raw[:change] if change < 0 else raw + bytes(change)])


@given(junk=st.binary(max_size=400))
def test_junk_is_refused_or_read_but_nothing_else_happens(junk: bytes) -> None:
    try:
        CODEC.decode([junk])
    except StateCorrupt:
        return
    except StateTooNew:
        assert junk[0] > 4
        return
    assert junk[0] == 4
    assert len(junk) >= 134


def test_rows_are_taken_as_copies_and_placed_back() -> None:
    some = CODEC.blank(3)
    part = some.take(np.array([2, 0]))
    part.events[:] = [7, 8]
    assert some.events.tolist() == [0, 0, 0]
    some.place(np.array([2, 0]), part)
    assert some.events.tolist() == [8, 0, 7]
