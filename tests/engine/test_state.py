"""The small state of a partition: its names in states that are there."""

from __future__ import annotations

import json

from crm_online.engine.state import PartitionState


def test_fields_are_stored_under_the_names_in_states_that_are_there() -> None:
    stored = json.loads(PartitionState().encode()) | {
        "closed": False,
        "waiting": {"7": 3},
        "complete": False,
        "cursor": 200,
    }
    state = PartitionState.decode(json.dumps(stored).encode())
    assert (state.at_end_of_log, state.due_counts, state.migration_complete, state.roster_cursor) == (
        False,
        {7: 3},
        False,
        200,
    )
    assert json.loads(state.encode()) == stored
