"""A dump is the whole state, exactly; bytes that no version wrote are refused."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_online.decay import Decay
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.itemsets import encoding
from crm_online.itemsets.baskets import Baskets
from crm_online.itemsets.counters import ItemsetCounters
from tests.itemsets.brute import batches
from tests.itemsets.logs import DAY, HALF_LIFE, Log, logs


@given(
    logs,
    st.integers(1, 25),
    st.integers(0, 20),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.sampled_from([None, HALF_LIFE, DAY]),
    st.integers(1, 3),
    st.sampled_from([2_000, 10_000, 10**7]),
)
@settings(max_examples=80, deadline=None)
def test_counting_on_from_a_dump_is_bit_by_bit_like_counting_through(
    log: Log, size: int, stop: int, epsilon: float, half_life: int | None, max_size: int, max_bytes: int
) -> None:
    through = ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes)
    resumed = ItemsetCounters(epsilon, Decay(half_life), max_size, max_bytes)
    for number, batch in enumerate(batches(log, size)):
        if number % (stop + 1) == stop:
            resumed = ItemsetCounters.load(resumed.dump())
        through.count(batch)
        resumed.count(batch)
        one, other = through.frequent(0.1, 0), resumed.frequent(0.1, 0)
        np.testing.assert_array_equal(one.items, other.items)
        np.testing.assert_array_equal(one.count, other.count)
        np.testing.assert_array_equal(one.error, other.error)
    assert resumed.dump() == through.dump()
    assert resumed.achieved_epsilon == through.achieved_epsilon
    assert resumed.bytes == through.bytes


def some_counters() -> ItemsetCounters:
    counters = ItemsetCounters(0.01, Decay(HALF_LIFE), 3, 10**6)
    counters.count(Baskets.of([(time * DAY, [time % 3, 3, 4 + time % 5]) for time in range(50)]))
    return counters


def test_what_the_budget_evicted_is_in_the_dump() -> None:
    counters = ItemsetCounters(0.0, Decay(None), 3, 2_000)
    counters.count(Baskets.of([(0, range(20 * number, 20 * number + 10)) for number in range(20)]))
    assert counters.achieved_epsilon > 0
    assert ItemsetCounters.load(counters.dump()).achieved_epsilon == counters.achieved_epsilon


def test_a_dump_comes_in_chunks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = some_counters().dump()
    monkeypatch.setattr(encoding, "CHUNK_BYTES", 100)
    chunks = some_counters().dump()
    assert max(map(len, chunks)) == 100
    assert b"".join(chunks) == b"".join(whole)
    assert ItemsetCounters.load(chunks).dump() == chunks


@pytest.mark.parametrize("at", [0, 3, 6, 14, 20, 60, 200, -1])
def test_a_changed_byte_is_refused(at: int) -> None:
    raw = bytearray(b"".join(some_counters().dump()))
    raw[at] ^= 0x40
    with pytest.raises(StateCorrupt):
        ItemsetCounters.load([bytes(raw)])


@pytest.mark.parametrize("raw", [b"", b"crmI", b"\x80\x04N.", b"crmI" + bytes(14)])
def test_bytes_that_no_version_wrote_are_refused(raw: bytes) -> None:
    with pytest.raises(StateCorrupt):
        ItemsetCounters.load([raw])


def test_missing_and_swapped_chunks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "CHUNK_BYTES", 100)
    chunks = some_counters().dump()
    for wrong in (chunks[:-1], chunks[1:], [*chunks, b"x"], [chunks[0], chunks[2], chunks[1], *chunks[3:]]):
        with pytest.raises(StateCorrupt):
            ItemsetCounters.load(wrong)


def test_parts_that_do_not_fit_are_refused_though_their_checksum_does() -> None:
    raw = b"".join(some_counters().dump())
    body = raw[18:-8]
    for wrong in (body, body[:90], b""):
        lead = struct.pack("<4sHQI", b"crmI", 2, len(wrong), zlib.crc32(wrong))
        with pytest.raises(StateCorrupt):
            ItemsetCounters.load([lead + wrong])


def test_a_newer_version_says_so() -> None:
    raw = b"".join(some_counters().dump())
    with pytest.raises(StateTooNew):
        ItemsetCounters.load([raw[:4] + b"\x03\x00" + raw[6:]])


def test_an_older_version_says_what_to_do() -> None:
    raw = b"".join(some_counters().dump())
    with pytest.raises(StateCorrupt, match="replay into a new state"):
        ItemsetCounters.load([raw[:4] + b"\x01\x00" + raw[6:]])
