from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import StateCorrupt
from crm_online.step import ChangeId, Entry, Topic
from crm_online.store.entries import decode, encode

entries = st.builds(
    Entry,
    st.sampled_from(Topic),
    st.text(st.characters()),
    st.binary(),
    st.builds(ChangeId, st.integers(0, 1023), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)),
    st.booleans(),
)
ID = ChangeId(7, 0, 1)


@given(entries)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(encode(entry), entry.id.partition) == entry


def test_a_key_with_a_lone_surrogate_comes_back() -> None:
    entry = Entry(Topic.RULES, "a\ud800", b"", ID)
    assert decode(encode(entry), entry.id.partition) == entry


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x02" * 18,
        b"\x03" + encode(Entry(Topic.RULES, "k", b"v", ID))[1:],
        b"\x02\x09" + encode(Entry(Topic.RULES, "k", b"v", ID))[2:],
        b"\x02\x03\x02" + encode(Entry(Topic.RULES, "k", b"v", ID))[3:],
        encode(Entry(Topic.RULES, "key", b"", ID))[:-1],
        encode(Entry(Topic.RULES, "k", b"v", ID))[:-2] + b"\xffv",
    ],
    ids=["empty", "short", "version", "topic", "flags", "cut key", "not UTF-8"],
)
def test_unknown_bytes_are_refused(broken: bytes) -> None:
    with pytest.raises(StateCorrupt):
        decode(broken, 7)
