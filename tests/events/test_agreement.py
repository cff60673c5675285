"""Of every preset: what the checks of whole columns say of a row, the models say too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crm_online.events import models
from crm_online.events.building import from_events
from crm_online.events.cells import plain
from crm_online.events.columns import EventColumns
from crm_online.events.presets import complete_journey, online_retail
from crm_online.events.presets.mapped import preset_of
from crm_online.events.table import events_of

TEXT = st.sampled_from(
    ["a", "C1", "c2", "", " ", " b ", "x" * 256, "x" * 257, "\x07", "\x85", "é", "17.0", 17, 17.5, 2**53 + 1]
)
NUMBER = st.one_of(
    st.sampled_from(["1", "2.50", "1e3", "2,5", "nan", "inf", "", "-1", "1e13", True, 0, 3, 10**400, float("inf")]),
    st.floats(allow_nan=False),
    st.floats(0, 10),
)
TIME = st.sampled_from(
    ["2024-01-01", "2024-02-30", "1969-12-31", "2106-01-01", "12/1/2010 8:26", "13/1/2010 8:26", "soon", "", 7]
)
CELLS = {
    "quantity": NUMBER,
    "price": NUMBER,
    "value": NUMBER,
    "score": NUMBER,
    "time": TIME,
    "type": st.sampled_from(["purchase", "Return", "view", "erase", "feedback", "outcome", "?", ""]),
}
MAPPED = preset_of({name: name for name in ("event_id", "type", "customer_id", "time", "item", "quantity", "price")})
ROLES = {
    "online-retail": (online_retail.PRESET, ["invoice", "item", "quantity", "time", "price", "customer"]),
    "complete-journey": (complete_journey.PRESET, ["household", "basket", "quantity", "value", "time", "category"]),
    "--map": (MAPPED, list(MAPPED.columns)),
}


def seen(events: EventColumns) -> list[object]:
    """Return all that the engine gets of one event."""
    arrays = (events.kind, events.time, events.quantity, events.price, np.nan_to_num(events.score, nan=-1))
    ids = events.event_ids, events.customers, events.baskets, events.items
    return [*(array.tolist() for array in arrays), *ids, events.details]


@pytest.mark.parametrize("name", ROLES)
@given(data=st.data())
def test_a_row_is_taken_by_both_or_by_none_and_with_the_same_values(name: str, data: st.DataObject) -> None:
    preset, roles = ROLES[name]
    drawn = st.fixed_dictionaries({role: st.none() | CELLS.get(role, TEXT) for role in roles})
    rows = data.draw(st.lists(drawn, min_size=1, max_size=8))
    table, odd = plain(pd.DataFrame(rows, columns=roles, dtype=object), "attributes")
    assert not odd
    lines = preset.lines(table, Path())
    whole, refused = events_of(lines, np.arange(len(rows)), "log")
    fast = lines.valid()
    for row in set(range(len(rows))) - lines.refused.keys():
        try:
            expected = models.EVENT.validate_python(lines.raw(row))
        except ValidationError:
            assert not fast[row]
            assert row in refused
            continue
        assert row not in refused
        assert fast[row] == (expected.type in ("purchase", "return"))
        one, by_model = whole.select(whole.position == row), from_events([expected], [row], "log")
        assert seen(one) == seen(by_model)
