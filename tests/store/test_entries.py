from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.errors import StateCorrupt
from crm_online.step import ChangeId, Entry, Topic
from crm_online.store.entries import RejectSearch, decode, encode

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


@given(
    names=st.sets(st.text('aé1-. "', min_size=1, max_size=4), min_size=1, max_size=5),
    raw=st.text('aé1-. "\\', max_size=12),
    embedded=st.booleans(),
)
def test_an_id_is_found_as_a_word_in_either_spelling_and_nowhere_else(
    names: set[str], raw: str, embedded: bool
) -> None:
    if embedded:
        raw = f"{raw}{json.dumps(min(names))}"
    spellings = [spelling for name in names for spelling in (name, json.dumps(name)[1:-1])]
    expected = any(re.search(rf"(?<!\w){re.escape(spelling)}(?!\w)", raw) for spelling in spellings)
    assert RejectSearch(names).matches(json.dumps({"raw": raw}).encode()) is expected
