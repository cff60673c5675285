"""The list of who was erased or objects: in whatever order it is noted, the latest erasure outlasts the objection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.suppression import NOT_ERASED, OBJECTED, Suppression
from crm_online.errors import StateCorrupt
from crm_online.step import Put, Remove

CALLS = st.lists(st.tuples(st.sampled_from(["add", "object", "withdraw"]), st.integers(0, 9)), max_size=8)


def stored_again(suppression: Suppression) -> Suppression:
    again = Suppression(suppression.salt)
    for write in suppression.writes():
        assert isinstance(write, Put)
        again.load(write.fields.items())
    return again


@given(CALLS)
def test_what_counts_after_a_withdrawal_is_what_came_after_all_erasures_and_objections(
    calls: list[tuple[str, int]],
) -> None:
    suppression = Suppression("salt")
    latest, since = NOT_ERASED, None
    for name, time in calls:
        getattr(suppression, name)("ann", time)
        if name != "withdraw" or since is not None:
            latest = max(latest, time)
        since = (time if since is None else since) if name == "object" else None if name == "withdraw" else since
    for one in (suppression, stored_again(suppression)):
        assert one.objected_since("ann") == since
        assert one.erased_at(["ann", "bob"]).tolist() == [latest if since is None else OBJECTED, NOT_ERASED]
        one.withdraw("ann", 0)
        assert one.erased_at(["ann"]).tolist() == [latest]


def test_an_objection_of_a_state_that_kept_its_time_alone_is_read_and_other_lengths_are_refused() -> None:
    suppression = Suppression("salt")
    suppression.load([(suppression.field_of("ann"), (-7).to_bytes(8, "little", signed=True))])
    assert suppression.objected_since("ann") == 5
    with pytest.raises(StateCorrupt):
        suppression.load([(suppression.field_of("ann"), b"1234567")])


def test_of_an_erasure_that_only_a_leap_brought_nothing_is_left_but_what_was_asked_for_before_it() -> None:
    suppression = Suppression("salt")
    suppression.add("asked", 5)
    for name in ("asked", "idle"):
        suppression.add(name, 90, lapsed=True)
        suppression.add(name, 95, lapsed=True)
    suppression.add("late", 99)
    again = stored_again(suppression)
    assert again.erased_at(["asked", "idle", "late"]).tolist() == [95, 95, 99]
    again.bound(50)
    assert again.erased_at(["asked", "idle", "late"]).tolist() == [5, NOT_ERASED, 51]
    gone, put = again.writes()
    assert isinstance(gone, Remove)
    assert isinstance(put, Put)
    assert list(gone.fields) == [again.field_of("idle")]
    last = Suppression("salt")
    last.load(put.fields.items())
    assert last.erased_at(["asked", "idle", "late"]).tolist() == [5, NOT_ERASED, 51]
