"""What is remembered of a sampled customer: what was said last, what was bought how often, and no more."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from crm_online.customers.traits import MOST_ATTRIBUTES, MOST_CHARACTERS, MOST_ITEMS, Traits
from crm_online.errors import StateCorrupt

json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    profiles=st.lists(st.dictionaries(st.text(min_size=1), json_values, max_size=4), max_size=4),
    reasons=st.lists(st.text(), max_size=5),
    scores=st.lists(st.floats(0, 1), max_size=5),
    bought=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 99)), max_size=9),
)
def test_bytes_come_back_as_they_were(
    profiles: list[dict[str, JsonValue]], reasons: list[str], scores: list[float], bought: list[tuple[int, int]]
) -> None:
    traits = Traits()
    for attributes in profiles:
        traits.update_attributes(attributes)
    for reason in reasons:
        traits.add_contact(reason)
    for score in scores:
        traits.add_feedback(score)
    for item, lines in bought:
        traits.add_lines(item, lines)
    again = Traits.decode(traits.encode(), traits.encode_items())
    assert again == traits
    assert list(again.bought) == list(traits.bought), "the order too, or two runs would differ"


def test_the_last_value_counts_and_null_takes_it_away() -> None:
    traits = Traits()
    traits.update_attributes(
        {"town": "Ulm", "age": 34, "vip": True, "likes": ["tea", "jam", "tea"], "nested": {"a": 1}}
    )
    assert traits.attributes == {"town": "Ulm", "age": 34.0, "vip": "true", "likes": ["tea", "jam"]}
    traits.update_attributes({"town": "Bonn", "vip": None, "age": 10**400})
    assert traits.attributes == {"town": "Bonn", "likes": ["tea", "jam"]}


def test_contacts_feedback_and_items_are_counted() -> None:
    traits = Traits()
    for reason in ("late", "late", " ", "broken"):
        traits.add_contact(reason)
    for score in (0.1, 0.9, 0.4):
        traits.add_feedback(score)
    for item in (3, 5, 3):
        traits.add_lines(item, 2)
    assert traits.reasons == Counter(late=2, broken=1)
    assert (traits.feedbacks, round(traits.score, 9), traits.unhappy) == (3, 1.4, 1)
    assert traits.bought == {3: 4, 5: 2}


def test_one_customer_takes_bounded_memory() -> None:
    traits = Traits()
    for number in range(2000):
        traits.update_attributes({f"a{number}" * 40: "x" * 1000, f"b{number}": ["y" * 500] * 50})
        traits.add_contact(f"reason {number} " * 20)
        traits.add_lines(number, 1)
    assert len(traits.attributes) == len(traits.reasons) == MOST_ATTRIBUTES
    assert max(map(len, [*traits.attributes, *traits.reasons])) <= MOST_CHARACTERS
    assert len(traits.bought) == MOST_ITEMS
    assert len(traits.encode()) < 20_000


@pytest.mark.parametrize(
    ("said", "items"), [(b"[", None), (b"[1,2]", None), (None, b""), (None, b"\x02"), (None, b"\x01abc")]
)
def test_other_bytes_are_refused(said: bytes | None, items: bytes | None) -> None:
    with pytest.raises(StateCorrupt):
        Traits.decode(said, items)
