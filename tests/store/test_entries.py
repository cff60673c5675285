from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import StateCorrupt
from crm_online.step import Entry, Topic
from crm_online.store.entries import decode, encode

entries = st.builds(
    Entry,
    st.sampled_from(Topic),
    st.text(st.characters()),
    st.binary(),
    st.integers(0, 2**64 - 1),
    st.booleans(),
)


@given(entries)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_a_key_with_a_lone_surrogate_comes_back() -> None:
    entry = Entry(Topic.RULES, "a\ud800", b"", 1)
    assert decode(encode(entry)) == entry


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x01" * 14,
        b"\x02" + encode(Entry(Topic.RULES, "k", b"v", 1))[1:],
        b"\x01\x09" + encode(Entry(Topic.RULES, "k", b"v", 1))[2:],
        b"\x01\x03\x02" + encode(Entry(Topic.RULES, "k", b"v", 1))[3:],
        encode(Entry(Topic.RULES, "key", b"", 1))[:-1],
        encode(Entry(Topic.RULES, "k", b"v", 1))[:-2] + b"\xffv",
    ],
    ids=["empty", "short", "version", "topic", "flags", "cut key", "not UTF-8"],
)
def test_unknown_bytes_are_refused(broken: bytes) -> None:
    with pytest.raises(StateCorrupt):
        decode(broken)
