"""Names and descriptions: golden for made segments, unique and repeatable for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from crm_online.customers.registry import FEATURES as KNOWN
from crm_online.segments.buying import KINDS, BuyerFigures, cells
from crm_online.segments.describe import NamedDescription, describe
from crm_online.segments.naming import SegmentName
from crm_online.segments.sums import SegmentSums
from crm_online.segments.vectors import Scale, Transform
from crm_online.segments.vocabulary import Contrast, NamePart, Words

AVERAGE = NamedDescription(name="Average customers", claims=(), description={"text": "Like everybody.", "facts": []})
IDS = ("s1", "s2", "s3", "s4")
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


def told(
    *segments: NDArray[np.float64], names: dict[str, Transform] = FEATURES, purchases: tuple[int, ...] = ()
) -> list[NamedDescription]:
    """Describe segments of customers that are all alike, 100 in each; they bought so often, or nine times."""
    return parted([{often: 100} for often in purchases or (9,) * len(segments)], *segments, names=names)


def parted(
    parts: list[dict[int, int]], *segments: NDArray[np.float64], names: dict[str, Transform] = FEATURES
) -> list[NamedDescription]:
    """Describe segments whose members are alike but for how often they bought: of each, how many."""
    raw = np.array(segments)
    scale = Scale.fit(raw, list(names), list(names.values()), [1.0] * len(names))
    labels = np.repeat(np.arange(len(raw)), [sum(part.values()) for part in parts])
    purchases = np.array([often for part in parts for often, count in part.items() for _ in range(count)])
    vectors, rows = scale.encode(raw)[labels], cells(labels, purchases)
    sums = SegmentSums.empty(len(raw), len(names)).move(None, None, vectors, labels)
    by_buying = SegmentSums.empty(len(raw) * KINDS, len(names)).move(None, None, vectors, rows)
    figures = BuyerFigures.of(by_buying, sums.centroids())
    return describe(scale, [f"s{n}" for n in range(1, len(raw) + 1)], figures, WORDS, UNITS)


def test_made_segments_have_the_names_that_a_marketer_would_give() -> None:
    assert [one["name"] for one in told(BEST, GONE, PICKY, FRESH, USUAL, purchases=(30, 1, 9, 1, 9))] == [
        "Frequent big spenders",
        "Lapsed one-time buyers",
        "Unhappy returners",
        "New one-time buyers",
        "Customers who look around less",
    ]


def test_made_segments_are_told_in_words_and_numbers() -> None:
    assert [
        one["description"]["text"] for one in told(BEST, GONE, PICKY, FRESH, USUAL, purchases=(30, 1, 9, 1, 9))
    ] == [
        "Buys 14 lines at a time (typical: 8.2), orders 5.4 × as often as is typical, "
        "spends 12 × what is typical, looks at 2.9 × as many items as is typical.",
        "100 % bought once (average 40 %), last bought 280 days ago (typical: 19 days), "
        "looks at 0.097 × as many items as is typical, spends next to nothing.",
        "Gives worse feedback than others, returns 60 % of what it buys (average 14 %), "
        "gets in touch 6.5 × as often as is typical, has baskets worth 1.4 × what is typical.",
        "100 % bought once (average 40 %), known for 4 days (typical: 104 days), "
        "has baskets worth 0.64 × what is typical, buys 6.0 lines at a time (typical: 8.2).",
        "Looks at 0.64 × as many items as is typical, returns 5 % of what it buys (average 14 %), "
        "gets in touch 0.48 × as often as is typical, buys every 30 days (typical: 17 days).",
    ]


def test_who_never_bought_is_named_so_and_nothing_of_what_buyers_do_is_told_of_them() -> None:
    described = parted([{0: 90, 1: 10}, {0: 60, 3: 40}, {1: 60, 0: 40}, {9: 100}], FRESH, GONE, FRESH, BEST)
    assert [(one["name"], one["description"]["text"]) for one in described[:2]] == [
        (
            "New browsers who never bought",
            "90 % never bought (average 48 %), known for 4 days (typical: 37 days).",
        ),
        (
            "Long-standing customers, most of whom never bought",
            "60 % never bought (average 48 %), looks at 0.092 × as many items as is typical, "
            "gets in touch 0.51 × as often as is typical, known for 280 days (typical: 37 days).",
        ),
    ]
    assert described[0]["description"]["facts"][0] == {
        "feature": "never_bought",
        "value": 0.9,
        "everybody": 0.475,
        "difference": 0.425,
        "unit": "share",
    }


def test_figures_of_buyers_are_those_of_the_members_who_bought() -> None:
    names = {"spending": LOG1P, "orders": LOG1P}
    raw = np.array([[0.0, 0.0], [100.0, 4.0], [1000.0, 40.0]])
    scale = Scale.fit(raw, list(names), list(names.values()), [1.0, 1.0])
    labels, purchases = np.array([0] * 10 + [1] * 10), np.array([0] * 4 + [4] * 6 + [40] * 10)
    vectors = scale.encode(raw)[np.minimum(np.array([0] * 4 + [1] * 6 + [2] * 10), 2)]
    sums = SegmentSums.empty(6, 2).move(None, None, vectors, cells(labels, purchases))
    centroids = SegmentSums.empty(2, 2).move(None, None, vectors, labels).centroids()
    mixed, _ = describe(scale, ["s1", "s2"], BuyerFigures.of(sums, centroids), WORDS, UNITS)
    # Of the ten of s1 six bought for 100; typical of the sixteen buyers of both is between that and 1,000.
    typical = np.expm1((6 * np.log1p(100) + 10 * np.log1p(1000)) / 16)
    assert mixed["description"]["text"].startswith("40 % never bought (average 20 %); whoever bought ")
    spending = next(one for one in mixed["description"]["facts"] if one["feature"] == "spending")
    assert spending["value"] == pytest.approx(100, rel=0.01)
    assert spending["everybody"] == pytest.approx(typical, rel=0.01)


def test_a_value_that_rounding_puts_below_nothing_is_no_many_times_of_anything() -> None:
    scale = Scale.fit(np.array([[0.0], [0.5], [400.0]]), ["spending"], [LOG1P], [1.0])
    vectors = scale.encode(np.array([[0.0], [400.0]])).astype(np.float64) - np.array([[1.0], [0.0]])
    assert scale.decode(vectors)[0, 0] < 0
    for typical, told_of in ((scale.encode(np.array([[0.5]])), "Spends next to nothing."), (vectors[:1], "Like ")):
        figures = BuyerFigures.of_buyers(vectors, np.asarray(typical, np.float64)[0])
        nothing, much = describe(scale, ["s1", "s2"], figures, WORDS, UNITS)
        assert nothing["description"]["text"].startswith(told_of)
        assert much["description"]["text"] == "Spends many times what is typical."


def test_words_that_somebody_could_gainsay_are_left_out() -> None:
    names = {"orders": LOG1P, "returned": IDENTITY, "tenure": LOG1P}
    few, many = told(np.array([1.0, 0.04, 200.0]), np.array([0.2, 0.01, 400.0]), names=names)
    # Beside the others they are frequent returners and new; they order less than twice, return 4 %, and came long ago.
    assert (few["name"], many["name"]) == ("Customers who order more", "Occasional customers")


def test_a_mean_between_two_kinds_of_members_makes_no_word_that_is_true_of_neither() -> None:
    # Four of ten came yesterday, the others half a year ago; most others are of seven years' standing.
    days = np.repeat([1.0, 180.0, 2500.0], [40, 60, 200])
    scale = Scale.fit(days[:, None], ["tenure"], [LOG1P], [1.0], [30.0])
    vectors, labels = scale.encode(days[:, None]), np.repeat([0, 1], [100, 200])
    by_buying = SegmentSums.empty(2 * KINDS, 1).move(None, None, vectors, cells(labels, np.full(300, 9)))
    centroids = SegmentSums.empty(2, 1).move(None, None, vectors, labels).centroids()
    mixed, old = describe(scale, ["s1", "s2"], BuyerFigures.of(by_buying, centroids), WORDS, UNITS)
    assert scale.decode(centroids)[0, 0] < 90
    assert (mixed["name"], old["name"]) == ("Customers who came more lately", "Long-standing customers")


def test_customers_are_average_only_if_nothing_typical_of_them_differs() -> None:
    generator = np.random.default_rng(0)
    spread = np.exp(generator.normal(4, 3, 500))
    scale = Scale.fit(spread[:, None], ["spending"], [LOG1P], [1.0])
    middle = np.expm1(np.log1p(spread).mean())
    vectors = scale.encode(np.array([[1.8 * middle], [1.1 * middle]])).astype(np.float64)
    more, same = describe(
        scale, ["s1", "s2"], BuyerFigures.of_buyers(vectors, scale.encode(np.array([[middle]]))[0] * 1.0), WORDS, UNITS
    )
    assert (more["name"], same["name"]) == ("Customers who spend more", "Average customers")
    assert more["description"]["text"] == "Spends 1.8 × what is typical."


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
    figures = BuyerFigures.of_buyers(vectors, np.zeros(1))
    one = describe(scale, ["s1", "s2"], figures, {}, {"pause": "days"})[0]["description"]
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


@pytest.mark.parametrize(
    ("kind", "lacks"), [(Contrast.RATIO, "nearly nothing"), (Contrast.DIRECTION, "above and below")]
)
def test_words_that_leave_something_unsaid_are_refused(kind: Contrast, lacks: str) -> None:
    with pytest.raises(TypeError, match=lacks):
        Words(contrast=kind, phrase="", part=NamePart.NOUN, more="", less="")


def test_one_segment_is_like_everybody() -> None:
    assert told(USUAL) == [AVERAGE]


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
    assert usual == AVERAGE
    assert complaining["name"] == "Unhappy customers"


def test_who_buys_at_the_usual_pace_is_not_called_lapsed() -> None:
    names = {"recency": LOG1P, "gap": LOG1P}
    monthly, weekly, gone = told(np.array([28.0, 28.0]), np.array([5.0, 7.0]), np.array([60.0, 28.0]), names=names)
    assert (monthly["name"], weekly["name"]) == ("Seldom-seen customers", "Regular customers")
    assert gone["name"] == "Lapsed customers"


def test_who_ordered_every_week_and_then_stopped_is_called_lapsed_and_not_occasional() -> None:
    names = {"orders": LOG1P, "recency": LOG1P, "gap": LOG1P}
    gone, weekly = told(np.array([1.4, 183.0, 7.0]), np.array([12.0, 100.0, 7.0]), names=names)
    assert (gone["name"], weekly["name"]) == ("Lapsed customers", "Customers who order more")


def test_a_name_stays_at_its_border_until_it_is_not_true() -> None:
    names: dict[str, SegmentName] = {}
    found = []
    for spending in (260.0, 150.0, 260.0, 150.0, 95.0, 150.0):
        raw = np.array([[spending], [40.0], [100.0], [120.0]])
        scale = Scale.fit(np.array([[10.0], [1000.0]]), ["spending"], [LOG1P], [1.8])
        vectors = scale.encode(raw).astype(float)
        figures = BuyerFigures.of_buyers(vectors, vectors.mean(axis=0))
        segments = describe(scale, ["s1", "s2", "s3", "s4"], figures, WORDS, UNITS, names)
        names = {one: SegmentName(of["name"], of["claims"]) for one, of in zip(names or IDS, segments, strict=True)}
        found.append(segments[0]["name"])
        text = segments[0]["description"]["text"]
        assert ("spender" in found[-1]) <= text.startswith("Spends"), (found[-1], text)
    assert found[:4] == ["Big spenders"] * 4
    assert not any("pender" in name for name in found[4:])


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


def test_of_members_at_a_bound_of_the_scale_or_beyond_it_a_ratio_is_at_least_or_at_most_what_is_said() -> None:
    raw = np.random.default_rng(1).lognormal(3, 1, (1000, 1))
    scale = Scale.fit(raw, ["spending"], [LOG1P], [1.0])
    vectors = scale.encode(np.array([[1e9], [60.0], [0.0]])).astype(np.float64)
    figures = BuyerFigures.of_buyers(vectors, scale.encode(raw).mean(axis=0))
    many, some, few = [one["description"]["text"] for one in describe(scale, IDS[:3], figures, WORDS, UNITS)]
    assert (many[:16], few[:15]) == ("Spends at least ", "Spends at most ")
    assert some[:7] == "Spends "
    assert some[7].isdigit()
