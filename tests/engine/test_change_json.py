"""Changes that are written by columns have the bytes that the one writer of JSON gives them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crm_online.digits import digits
from crm_online.engine.change_json import figure, figures, text, texts
from crm_online.engine.changes import to_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBER = st.floats() | st.floats(-2e6, 2e6) | st.floats(-1e-3, 1e-3) | st.integers(-(10**7), 10**7).map(float)


@given(NUMBER, st.sampled_from([4, 6]))
def test_a_number_has_the_same_bytes(number: float, count: int) -> None:
    assert figure(number, count).encode() == to_json(digits(number, count))


@given(TEXT | st.none(), st.dictionaries(TEXT, TEXT, max_size=3))
def test_texts_have_the_same_bytes(one: str | None, more: dict[str, str]) -> None:
    assert (text(one).encode(), texts(more).encode()) == (to_json(one), to_json(more))


@given(
    st.lists(st.lists(NUMBER, min_size=2, max_size=2), max_size=4), st.lists(TEXT, min_size=2, max_size=2, unique=True)
)
def test_rows_of_numbers_have_the_same_bytes(rows: list[list[float]], names: list[str]) -> None:
    found = figures(names, np.array(rows, np.float64).reshape(-1, 2))
    assert [one.encode() for one in found] == [to_json(dict(zip(names, map(digits, row), strict=True))) for row in rows]
