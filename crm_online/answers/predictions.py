"""Predictions, as look-ups answer them: of one customer, and how good each model is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from crm_online.answers.answer import Answer, SegmentOrNone, Time

Chance = Annotated[float, Field(ge=0, le=1)]
Figure = Annotated[float | None, Field(description="null: too few examples to say")]


class CustomerPredictions(Answer):
    """What is predicted of a customer within the horizon."""

    horizon_days: float
    purchase: Annotated[Chance, Field(description="the chance of at least one purchase")]
    expected_purchases: Annotated[float | None, Field(description="null: not known yet")]
    expected_value: Annotated[float | None, Field(description="what they are expected to spend; null: not known yet")]
    band: Annotated[str | None, Field(description="the risk band last reported; null: none yet")]
    model: Annotated[str, Field(description="btyd before anything was learned from labels, then ensemble")]
    model_version: int
    reasons: Annotated[list[str], Field(description="what weighs most in the chance, the strongest first")]
    targets: Annotated[
        dict[str, float | None], Field(description="the chance of each target of outcome events; null: not known yet")
    ]
    target_bands: Annotated[
        dict[str, str | None], Field(description="the band last reported of each of these targets; null: none yet")
    ]


class ModelQuality(Answer):
    """How good a model was on examples that it predicted before their label was known."""

    name: str
    target: str
    examples: int
    roc_auc: Figure
    pr_auc: Figure
    log_loss: Figure
    brier: Figure
    ece: Annotated[float | None, Field(description="expected calibration error, 10 bins of equal width")]
    weight: Annotated[float, Field(description="what it counts for in the ensemble")]


class PeriodQuality(Answer):
    """How good the models were in a part of event time."""

    target: str
    begin: Time
    models: list[ModelQuality]


class SegmentQuality(Answer):
    """How good the models were on the customers of a segment."""

    target: str
    segment: str
    models: list[ModelQuality]


class CalibrationBin(Answer):
    """What happened of what was predicted with about the same chance."""

    predicted: Annotated[Chance, Field(description="mean chance")]
    observed: Annotated[Chance, Field(description="share for which it happened")]
    examples: int


class QualityCurves(Answer):
    """Calibration and gains of a model."""

    name: str
    target: str
    calibration: list[CalibrationBin]
    rarer: Annotated[bool, Field(description="the rarer outcome, of which the gains are: whether it happened")]
    gains: Annotated[
        list[Chance],
        Field(description="share of the rarer outcome among the 0, 5, 10 … 100 % for whom it was likeliest"),
    ]


class BandSize(Answer):
    """The sampled customers in a risk band, by their chance as it is now."""

    band: str
    customers: int
    expected_purchases: Annotated[float | None, Field(description="of all of them; null: not known yet")]
    expected_value: Annotated[float | None, Field(description="of all of them; null: not known yet")]


class CustomerAtRisk(Answer):
    """A customer who is likelier not to buy within the horizon than to buy."""

    customer_id: str
    segment: SegmentOrNone
    purchase: Annotated[Chance, Field(description="the chance of at least one purchase")]
    usual_purchases: Annotated[float, Field(description="orders in as much time as the horizon, so far")]
    usual_value: Annotated[float, Field(description="money spent in as much time as the horizon, so far")]
    expected_purchases: float | None
    expected_value: float | None
    last_purchase: Time
    reasons: Annotated[list[str], Field(description="what weighs most in the chance, the strongest first")]


class PredictionFigures(Answer):
    """What customers will do, and how good each model of each target is."""

    as_of: Time
    customers: int
    version: Annotated[int, Field(ge=0, description="of what predicts; 0: nothing does yet")]
    horizon_days: float
    bands: Annotated[list[float], Field(description="the borders of the risk bands")]
    models: list[ModelQuality]
    over_time: Annotated[list[PeriodQuality], Field(description="by 30 days of the moments of prediction")]
    per_segment: list[SegmentQuality]
    curves: list[QualityCurves]
    buying: Annotated[dict[str, Any] | None, Field(description="the parameters of Pareto/NBD and Gamma-Gamma")]
    sampled: Annotated[int, Field(description="customers of the sample who have bought: of them are bands and risks")]
    band_sizes: Annotated[list[BandSize], Field(description="from the lowest chance on")]
    at_risk: Annotated[
        list[CustomerAtRisk], Field(description="of the sample, whose usual orders are likeliest to be lost, first")
    ]
