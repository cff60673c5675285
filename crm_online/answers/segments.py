"""Segments, as look-ups answer them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from crm_online.answers.answer import Answer, Features, Time
from crm_online.values.segments import SegmentId


class SegmentDescription(Answer):
    """What sets a segment apart: in one sentence, in numbers, and by what its sampled customers need and say."""

    text: str
    facts: list[dict[str, Any]]
    traits: dict[str, Any] | None = None


class SegmentProfile(Answer, title="Segment"):
    """A segment as it stands."""

    id: SegmentId
    name: str
    size: Annotated[int, Field(ge=0, description="customers nearest to its centroid")]
    centroid: Features
    description: SegmentDescription
    made_name: Annotated[str | None, Field(description="the name that is made, and that topics have")] = None
    note: Annotated[str | None, Field(description="what somebody wrote about it")] = None
    colour: Annotated[str | None, Field(description="the colour that somebody gave it, as #rrggbb")] = None
    named_by_hand: Annotated[bool, Field(description="whether somebody gave it its name, which stays with the id")] = (
        False
    )
    spend_share: Annotated[
        float | None,
        Field(
            description="share of what all sampled customers spent lately (half-life: 30 days) that its own spent; "
            "null: nothing was spent"
        ),
    ] = None
    purchase: Annotated[
        float | None,
        Field(description="mean chance that its sampled customers buy within predictions.horizon; null: not known yet"),
    ] = None
    expected_value: Annotated[
        float | None, Field(description="mean of what they are expected to spend within it; null: not known yet")
    ] = None


class SegmentHierarchy(Answer, title="Hierarchy"):
    """How the segments join, the nearest first; numbered as by scipy.cluster.hierarchy."""

    linkage: Annotated[list[list[float]], Field(description="[a, b, distance, customers] of each join")]
    leaves: list[str]
    method: str = "average"
    distances: Annotated[list[list[float]], Field(default_factory=list)]


class NumberScore(Answer):
    """How one number of segments does."""

    k: int
    prediction_strength: Annotated[float, Field(description="how well they repeat in halves of the customers, 0 to 1")]
    explained: Annotated[float, Field(description="share of what customers vary by, 0 to 1")]


class NumberChoice(Answer):
    """Why there are so many segments, under segments.k=auto."""

    k: int
    method: Annotated[str, Field(description="prediction strength, or explained variance")]
    reason: str
    scores: list[NumberScore]


class Segments(Answer):
    """The segments of the model in use."""

    model_version: int
    complete: Annotated[bool, Field(description="whether all customers have moved to this version")]
    k: int
    k_choice: Annotated[NumberChoice | None, Field(description="why so many; null: the settings say how many")] = None
    J: Annotated[float | None, Field(description="sum of squared distances to the centroids")]
    customers: int
    as_of: Time
    features: list[str]
    scale: dict[str, float]
    segments: list[SegmentProfile]
    hierarchy: SegmentHierarchy


class Sizes(Answer):
    """How large the segments were at one time."""

    as_of: Time
    sizes: dict[str, int]


class SizeHistory(Answer):
    """How large the segments of whole models were over event time, the oldest first."""

    points: list[Sizes]


class Flow(Answer):
    """How many moves went from one segment to another."""

    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    moves: int


class SegmentFlows(Answer, title="Flows"):
    """Who moved from where to where, in the changes that are kept."""

    since: Annotated[Time | None, Field(description="time of the oldest move counted; null: none")]
    moves: int
    flows: Annotated[list[Flow], Field(description="the largest first")]
    reasons: dict[str, int]
    first_segments: Annotated[int, Field(description="customers who got their first segment")]


class PictureAxis(Answer, title="Axis"):
    """One axis of the picture."""

    name: Annotated[str, Field(description="named by the features that it is made of")]
    loadings: dict[str, float]
    explained: Annotated[float, Field(description="share of the variance")]


class Point(Answer):
    """A sampled customer, or a centroid, in the picture."""

    id: str
    segment: str
    x: float
    y: float


class Picture(Answer):
    """Sampled customers and centroids on the first two principal axes."""

    as_of: Time
    model_version: int
    axes: list[PictureAxis]
    centroids: list[Point]
    customers: list[Point]
