"""The journal of counted baskets: what was written comes back, damaged bytes are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.engine.basket_journal import journal_entry, restored_counters
from crm_online.engine.mining import empty_counters
from crm_online.errors import StateCorrupt
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from crm_online.settings import Settings

COUNTED = Baskets(np.array([5, 9, 9]), np.array([0, 2, 3, 5]), np.array([1, 2, 2, 1, 3], np.int32))
NONE = Baskets(np.array([], np.int64), np.array([0]), np.array([], np.int32))


def restored(raw: bytes) -> ItemsetCounters:
    """Return what a journal of one entry makes of empty counters."""
    return restored_counters(empty_counters(Settings()), [], [raw])


def test_what_was_counted_comes_back() -> None:
    raw, _ = journal_entry(COUNTED, NONE)
    counted = empty_counters(Settings())
    counted.count(COUNTED, NONE)
    assert restored(raw).dump() == counted.dump()


@given(st.data())
def test_damaged_bytes_are_corrupt_whatever_lengths_they_say(data: st.DataObject) -> None:
    raw = bytearray(journal_entry(COUNTED, NONE)[0])
    where = data.draw(st.integers(0, len(raw) - 1))
    raw[where] ^= data.draw(st.integers(1, 255))
    for damaged in (raw, raw[:where]):
        with pytest.raises(StateCorrupt):
            restored(bytes(damaged))
