"""Customer records come back from their bytes as they were; bytes that are none are refused."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.codec import RecordCodec
from crm_online.customers.records import MOVES, NEVER, RECENT, Records
from crm_online.errors import StateCorrupt, StateTooNew

CODEC = RecordCodec(sums=8, features=11)


def made(n: int, seed: int) -> Records:
    """Return records with anything in them that the engine may put there."""
    random = np.random.default_rng(seed)
    records = CODEC.blank(n)
    for name in ("first_event", "last_event", "first_purchase", "last_purchase"):
        times = random.integers(0, 4_290_000_000_000, n)
        setattr(records, name, np.where(random.random(n) < 0.2, NEVER, times))
    for name in ("purchases", "returns", "events", "scored_at", "since", "queued"):
        setattr(records, name, random.integers(0, 40, n))
    records.spend, records.items = random.lognormal(size=n), random.lognormal(size=n)
    records.sums = random.lognormal(size=(n, 8)) * (random.random((n, 8)) < 0.5)
    records.vectors = random.integers(-32767, 32768, (n, 11)).astype(np.int16)
    records.nearest, records.reported = (random.integers(0, 256, n).astype(np.uint8) for _ in range(2))
    records.model_version = random.integers(0, 65536, n).astype(np.uint16)
    for row in range(n):
        events, moves = min(int(records.events[row]), RECENT), int(random.integers(0, MOVES + 1))
        records.recent[row, :events] = random.integers(1, 1 << 48, events)
        for place in range(moves):
            records.moves[row, place] = tuple(random.integers(1, 5, 4).tolist())
    return records


@given(n=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_records_come_back_as_they_were(n: int, seed: int) -> None:
    records = made(n, seed)
    back = CODEC.decode(CODEC.encode(records))
    for field in fields(Records):
        assert np.array_equal(getattr(back, field.name), getattr(records, field.name)), field.name


def test_customers_who_are_not_there_yet_are_blank() -> None:
    records = made(2, seed=1)
    first, second = CODEC.encode(records)
    back = CODEC.decode([None, first, None, second])
    assert back.events.tolist() == [0, records.events[0], 0, records.events[1]]
    assert back.last_event[0] == NEVER


def test_who_buys_ten_items_fits_into_384_bytes_of_redis_with_its_header() -> None:
    records = CODEC.blank(1)
    records.events[:], records.recent[:], records.moves["time"] = 99, 1, 1
    records.sums[0, :3] = 1.5
    records.own[0] = bytes(4 + 10 * 5)
    assert len(CODEC.encode(records)[0]) <= 380


@pytest.mark.parametrize("change", ["short", "long", "empty", "other", "older"])
def test_bytes_that_are_no_record_are_refused(change: str) -> None:
    raw = CODEC.encode(made(1, seed=3))[0]
    wrong = {
        "short": raw[:50],
        "long": raw + b"x" * 50,
        "empty": b"",
        "other": b"\0" + raw[1:],
        "older": b"\3" + raw[1:],
    }
    with pytest.raises(StateCorrupt):
        CODEC.decode([wrong[change]])


def test_a_record_of_a_newer_version_is_refused_as_such() -> None:
    raw = CODEC.encode(made(1, seed=3))[0]
    with pytest.raises(StateTooNew):
        CODEC.decode([b"\x05" + raw[1:]])
