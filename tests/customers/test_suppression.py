"""The list of who was erased or objects: in whatever order it is noted, the latest erasure outlasts the objection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_online.customers.suppression import NOT_ERASED, OBJECTED, Suppression
from crm_online.errors import StateCorrupt
from crm_online.step import Put

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
