"""Names and descriptions: golden for made segments, unique and repeatable for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from crm_online.customers.registry import FEATURES as KNOWN
from crm_online.segments.describe import Description, describe
from crm_online.segments.vectors import Scale, Transform
from crm_online.segments.vocabulary import Place, Told, Words

LOG1P, IDENTITY = Transform.LOG1P, Transform.IDENTITY
FEATURES = {
    "orders": LOG1P,
    "spending": LOG1P,
    "recency": LOG1P,
    "basket_value": LOG1P,
    "basket_size": LOG1P,
    "gap": LOG1P,
    "returned": IDENTITY,
    "views": LOG1P,
    "feedback": IDENTITY,
    "contacts": LOG1P,
    "tenure": LOG1P,
}
WORDS = {name: feature.words for name, feature in KNOWN.items() if feature.words}
UNITS = {name: feature.unit for name, feature in KNOWN.items()}
#                orders spending recency value size gap returned views feedback contacts tenure
BEST = np.array([12.0, 900.0, 2.0, 75.0, 14.0, 5.0, 0.02, 9.0, 0.5, 0.3, 300.0])
GONE = np.array([0.1, 3.0, 280.0, 30.0, 6.0, 280.0, 0.02, 0.3, 0.5, 0.1, 280.0])
PICKY = np.array([3.0, 200.0, 25.0, 66.0, 9.0, 30.0, 0.60, 5.0, 0.2, 4.0, 200.0])
FRESH = np.array([1.0, 30.0, 4.0, 30.0, 6.0, 4.0, 0.02, 4.0, 0.5, 0.2, 4.0])
USUAL = np.array([2.0, 100.0, 25.0, 50.0, 8.0, 30.0, 0.05, 2.0, 0.5, 0.3, 150.0])


def told(*segments: NDArray[np.float64], names: dict[str, Transform] = FEATURES) -> list[Description]:
    """Describe segments of customers that are all alike, equally many in each."""
    raw = np.array(segments)
    scale = Scale.fit(raw, list(names), list(names.values()), [1.0] * len(names))
    vectors = scale.encode(raw).astype(np.float64)
    return describe(scale, [f"s{n}" for n in range(1, len(raw) + 1)], vectors, vectors.mean(axis=0), WORDS, UNITS)


def test_made_segments_have_the_names_that_a_marketer_would_give() -> None:
    assert [one["name"] for one in told(BEST, GONE, PICKY, FRESH, USUAL)] == [
        "Frequent big spenders",
        "Lapsed one-time buyers",
        "Unhappy returners",
        "New one-time buyers",
        "Average customers",
    ]


def test_made_segments_are_told_in_words_and_numbers() -> None:
    assert [one["description"]["text"] for one in told(BEST, GONE, PICKY, FRESH, USUAL)] == [
        "Buys 14 lines at a time (typical: 8.2), orders 5.4 × as often as is typical, "
        "spends 12 × what is typical, looks at 2.9 × as many items as is typical.",
        "Last bought 280 days ago (typical: 19 days), looks at 0.097 × as many items as is typical, "
        "spends next to nothing, hardly ever orders.",
        "Gives worse feedback than others, returns 60 % of what it buys (average 14 %), "
        "gets in touch 6.5 × as often as is typical, has baskets worth 1.4 × what is typical.",
        "Known for 4 days (typical: 104 days), has baskets worth 0.64 × what is typical, "
        "buys 6.0 lines at a time (typical: 8.2), last bought 4 days ago (typical: 19 days).",
        "Looks at 0.64 × as many items as is typical, "
        "returns 5 % of what it buys (average 14 %), gets in touch 0.48 × as often as is typical.",
    ]


def test_facts_are_in_natural_units_the_strongest_first() -> None:
    facts = told(BEST, USUAL, names=FEATURES)[0]["description"]["facts"]
    assert facts == [
        {"feature": "orders", "value": 12.0, "everybody": 5.245, "unit": "orders", "ratio": 2.28789},
        {"feature": "spending", "value": 900.0, "everybody": 300.664, "unit": "money", "ratio": 2.99338},
        {"feature": "recency", "value": 2.0, "everybody": 7.83176, "unit": "days", "difference": -5.83176},
        {"feature": "basket_value", "value": 75.0, "everybody": 61.2575, "unit": "money", "ratio": 1.22434},
    ]


def test_a_feature_of_any_name_is_told_generically() -> None:
    names = {"loyalty_points": LOG1P}
    high, low = told(np.array([500.0]), np.array([20.0]), names=names)
    assert (high["name"], low["name"]) == (
        "Customers with high loyalty points",
        "Customers with low loyalty points",
    )
    assert high["description"]["text"] == "Has loyalty points of 500 (typical: 102)."


def test_units_of_other_features_are_taken_over() -> None:
    scale = Scale.fit(np.array([[1.0], [9.0]]), ["pause"], [IDENTITY], [1.0])
    vectors = scale.encode(np.array([[1.0], [9.0]])).astype(np.float64)
    one = describe(scale, ["s1", "s2"], vectors, np.zeros(1), {}, {"pause": "days"})[0]["description"]
    assert one["text"] == "Has pause of 1 day (typical: 5 days)."
    assert one["facts"] == [{"feature": "pause", "value": 1.0, "everybody": 5.0, "unit": "days", "difference": -4.0}]


def test_feedback_is_told_by_its_direction_as_the_average_over_all_would_count_those_who_gave_none() -> None:
    content, complaining = (
        one["description"] for one in told(np.array([0.9]), np.array([0.1]), names={"feedback": IDENTITY})
    )
    assert (content["text"], complaining["text"]) == (
        "Gives better feedback than others.",
        "Gives worse feedback than others.",
    )
    assert complaining["facts"][0]["difference"] < 0


@pytest.mark.parametrize(("kind", "lacks"), [(Told.RATIO, "nearly nothing"), (Told.DIRECTION, "above and below")])
def test_words_that_leave_something_unsaid_are_refused(kind: Told, lacks: str) -> None:
    with pytest.raises(TypeError, match=lacks):
        Words(told=kind, phrase="", place=Place.NOUN, more="", less="")


def test_one_segment_is_like_everybody() -> None:
    assert told(USUAL) == [
        {"name": "Average customers", "description": {"text": "Like everybody.", "facts": []}},
    ]


def test_namesakes_are_told_apart_by_what_sets_them_apart() -> None:
    spending, lines = np.array([100.0, 95.0, 1.0, 0.8]), np.array([10.0, 12.0, 11.0, 11.0])
    described = told(*np.column_stack([spending, lines]), names={"spending": LOG1P, "basket_size": LOG1P})
    assert [one["name"] for one in described] == [
        "Big spenders with fewer items a basket",
        "Big spenders with fuller baskets",
        "Small spenders who spend more",
        "Small spenders who spend less",
    ]


def test_who_gave_no_feedback_is_not_called_happy_beside_those_who_complain() -> None:
    usual, complaining = told(np.array([0.5]), np.array([0.1]), names={"feedback": IDENTITY})
    assert usual == {"name": "Average customers", "description": {"text": "Like everybody.", "facts": []}}
    assert complaining["name"] == "Unhappy customers"


def test_who_buys_at_the_usual_pace_is_not_called_lapsed() -> None:
    names = {"recency": LOG1P, "gap": LOG1P}
    monthly, weekly, gone = told(np.array([28.0, 28.0]), np.array([5.0, 7.0]), np.array([60.0, 28.0]), names=names)
    assert (monthly["name"], weekly["name"]) == ("Seldom-seen customers", "Regular customers")
    assert gone["name"] == "Lapsed customers"


def test_segments_that_nothing_tells_apart_have_their_id_in_the_name() -> None:
    names = [one["name"] for one in told(USUAL, USUAL, BEST)]
    assert len(set(names)) == 3
    assert names[0].endswith("(s1)")


@given(
    st.integers(1, 8).flatmap(lambda k: arrays(np.float64, (k, 11), elements=st.floats(0, 1000))),
    st.integers(0, 3),
)
def test_names_are_unique_and_descriptions_finite_for_any_segments(raw: NDArray[np.float64], same: int) -> None:
    raw[:same] = raw[0]
    described = told(*raw)
    assert described == told(*raw)
    names = [one["name"] for one in described]
    assert len(set(names)) == len(names)
    for one in described:
        assert "nan" not in one["description"]["text"]
        assert "inf" not in one["description"]["text"]
        assert "{" not in one["description"]["text"]
        for fact in one["description"]["facts"]:
            assert ("ratio" in fact) != ("difference" in fact)
            assert np.isfinite(
                [fact["value"], fact["everybody"], fact.get("ratio", 0), fact.get("difference", 0)]
            ).all()
