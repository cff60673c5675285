"""The settings of crm-online: one typed model, a section for each thing that can be set.

Durations are milliseconds here and text (``90d``) outside; ``None`` is written ``none``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from crm_online.settings.fields import (
    DEFAULT_FEATURES,
    FEATURE_NAMES,
    BandList,
    Count,
    Duration,
    FeatureList,
    Form,
    Number,
    OptionalDuration,
    OptionalNumber,
    OptionalTime,
    PositiveDuration,
    Section,
    Size,
    Switch,
    Weight,
    contradiction,
)
from crm_online.settings.privacy import PrivacySettings
from crm_online.settings.service import ChangeSettings, KafkaSettings, ServeSettings, WorkerSettings
from crm_online.settings.units import DAY, MINUTE
from crm_online.settings.webhooks import WEBHOOK_NAME, WebhookSettings

_WEIGHTS = dict.fromkeys(FEATURE_NAMES, 0.5) | {"orders": 1.0, "spending": 1.0}


class FeatureSettings(Section):
    """What a customer's vector is made of."""

    half_life: OptionalDuration = Field(
        default=90 * DAY,
        description="time in which an event's weight in the decayed features halves; none: nothing fades",
    )
    use: FeatureList = Field(default=DEFAULT_FEATURES, description="the features that make a customer's vector")
    weights: dict[str, Weight] = Field(
        default=_WEIGHTS, description="how much each feature counts in a distance; 0: not at all", validate_default=True
    )

    @field_validator("weights", mode="after")
    @classmethod
    def _complete(cls, weights: dict[str, float]) -> dict[str, float]:
        """Give every feature a weight: the default where none was set."""
        unknown = weights.keys() - _WEIGHTS.keys()
        if unknown:
            raise ValueError(f"no such feature: {min(unknown)}")
        return {name: weights.get(name, default) for name, default in _WEIGHTS.items()}


class SegmentSettings(Section):
    """How customers are grouped, and when a move is reported."""

    k: Annotated[int | Literal["auto"], Form("a whole number from 2 to 64, or auto")] = Field(
        default=6, description="number of segments; auto: chosen by what repeats, and looked at again"
    )
    sample: Count = Field(
        default=4096, ge=64, le=1_000_000, description="customers in the sample that models are fitted on"
    )
    min_customers: Count = Field(default=300, ge=2, description="customers needed before the first model is fitted")
    margin: Number = Field(
        default=0.1, ge=0, lt=1, description="share by which another segment must be nearer before a move is reported"
    )
    min_dwell: Duration = Field(
        default=7 * DAY, description="time that a customer stays in a reported segment at least"
    )
    refit_gain: Number = Field(
        default=0.05, ge=0, lt=1, description="share by which J on the sample must fall for a segment to be given up"
    )
    starts: Count = Field(default=5, ge=1, le=100, description="starting points tried in each fit")
    visits: Count = Field(default=2000, ge=1, description="idle customers scored again in one step, at most")

    @field_validator("k", mode="before")
    @classmethod
    def _within_reach(cls, k: object) -> object:
        """Refuse numbers of segments that mean nothing, before the union of types hides why."""
        if isinstance(k, str) and k.strip().isdecimal():
            k = int(k)
        if k != "auto" and not (isinstance(k, int) and not isinstance(k, bool) and 2 <= k <= 64):
            raise ValueError("out of reach")
        return k

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.k != "auto" and self.k > self.min_customers:
            raise contradiction(
                f"{self.k} segments cannot be fitted to {self.min_customers} customers",
                "segments.k",
                "segments.min_customers",
            )
        if self.k != "auto" and self.k > self.sample:
            raise contradiction(
                f"{self.k} segments cannot be fitted to a sample of {self.sample}", "segments.k", "segments.sample"
            )
        return self


class BasketSettings(Section):
    """How order lines are gathered into baskets."""

    open_for: Duration = Field(default=30 * MINUTE, description="event time for which a basket waits for more lines")
    max_bytes: Size = Field(
        default=32_000_000,
        description="memory for the baskets of one partition that were counted last: lines that come late are still "
        "added to these",
    )
    anonymous_share: OptionalNumber = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share of all baskets that baskets of unknown customers may take beyond twice what is usual, where "
        "customers are known; the others are left out of itemsets and rules; none: all are counted",
    )


class EventSettings(Section):
    """What is accepted as an event."""

    max_ahead: OptionalDuration = Field(
        default=30 * DAY,
        description="how far an event, but for an erase, may lie ahead: in files of the log, else of the clock "
        "of service and broker; none: any distance",
    )
    max_value: OptionalNumber = Field(
        default=1e12,
        gt=0,
        description="money that an order or a return may be worth; what is worth more is a reject; none: any",
    )
    latest: OptionalTime = Field(
        default=None,
        description="the latest time that an event, but for an erase or objection, may have: later ones are rejects, "
        "while a log is read again whose time leapt by them (`undo-leap`); none: any",
    )


class ItemsetSettings(Section):
    """How sets of items are counted."""

    min_support: Number = Field(
        default=0.01, gt=0, le=1, description="share of baskets from which an itemset is frequent"
    )
    epsilon: OptionalNumber = Field(
        default=None, description="largest error of a support, once baskets have left; none: min_support / 10"
    )
    half_life: OptionalDuration = Field(
        default=180 * DAY, description="time in which a basket's weight in the counts halves; none: plain counts"
    )
    max_size: Count = Field(default=3, ge=1, le=6, description="items in an itemset, at most")
    max_bytes: Size = Field(
        default=256_000_000,
        description="memory for the baskets of one partition; above it the oldest leave, and supports get an error",
    )

    @property
    def epsilon_in_force(self) -> float:
        """The error in force: ``epsilon``, or a tenth of ``min_support``."""
        return self.min_support / 10 if self.epsilon is None else self.epsilon

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        most = self.min_support / self.max_size
        if self.epsilon is not None and self.epsilon > most:
            raise contradiction(
                f"an error of {self.epsilon:g} could hide frequent itemsets: at most min_support / max_size = {most:g}",
                "itemsets.epsilon",
                "itemsets.min_support",
                "itemsets.max_size",
            )
        return self


class RuleSettings(Section):
    """Which rules are derived, and how often."""

    min_confidence: Number = Field(default=0.3, ge=0, le=1, description="confidence from which a rule holds")
    redundant: Literal["drop", "keep"] = Field(
        default="drop", description="what happens to rules that a simpler one does as well as"
    )
    min_count: Number = Field(
        default=10,
        ge=0,
        description="baskets with all items of a rule that it needs, whatever its support, by their decayed number",
    )
    min_customers: Count = Field(
        default=3,
        ge=1,
        description="different customers with such baskets that a rule needs, as far as the orders kept can say",
    )
    max: Count = Field(default=10_000, ge=1, le=1_000_000, description="rules in force at most: the first by rank")
    every: Count = Field(default=1000, ge=1, description="baskets between two derivations of the rules")


class PredictionSettings(Section):
    """What is predicted of customers, and when a change of it is reported."""

    enabled: Switch = Field(default=True, description="whether it is predicted who buys again")
    horizon: PositiveDuration = Field(
        default=90 * DAY, ge=MINUTE, description="time within which a customer buys again, or does not"
    )
    bands: BandList = Field(
        default=(0.2, 0.5, 0.8), description="chances of a purchase between which a change of band is reported"
    )
    target_bands: BandList = Field(
        default=(0.2, 0.5, 0.8), description="the same of the targets of outcome events: chances of a yes"
    )


class ReplaySettings(Section):
    """How a log file is replayed."""

    step: Count = Field(
        default=2000, ge=1, le=1_000_000, description="rows of a partition that are committed together, on average"
    )
    partitions: Count = Field(default=1, ge=1, le=256, description="partitions that the customers are spread over")

    @property
    def chunk(self) -> int:
        """Rows of a log that are read at once: a step of each partition."""
        return self.step * self.partitions


class Settings(BaseModel):
    """All settings; ``Settings()`` is the defaults, whatever the environment says.

    `load_settings` reads the file, the environment and the command line.

    Examples
    --------
    >>> Settings().itemsets.epsilon_in_force
    0.001
    """

    model_config = Section.model_config

    features: FeatureSettings = FeatureSettings()
    segments: SegmentSettings = SegmentSettings()
    baskets: BasketSettings = BasketSettings()
    events: EventSettings = EventSettings()
    itemsets: ItemsetSettings = ItemsetSettings()
    rules: RuleSettings = RuleSettings()
    predictions: PredictionSettings = PredictionSettings()
    replay: ReplaySettings = ReplaySettings()
    privacy: PrivacySettings = PrivacySettings()
    changes: ChangeSettings = ChangeSettings()
    kafka: KafkaSettings = KafkaSettings()
    worker: WorkerSettings = WorkerSettings()
    serve: ServeSettings = ServeSettings()
    webhooks: dict[Annotated[str, StringConstraints(pattern=f"^{WEBHOOK_NAME}$")], WebhookSettings] = {}

    @classmethod
    def from_keys(cls, values: Mapping[str, Any]) -> Self:
        """Return settings of values by dotted key, the others at their defaults.

        Raises
        ------
        pydantic.ValidationError
            If a key is none, or a value does not fit.

        Examples
        --------
        >>> Settings.from_keys({"segments.k": 8}).segments.k
        8
        """
        sections: dict[str, Any] = {}
        for key, value in values.items():
            *folders, name = key.split(".")
            section = sections
            for folder in folders:
                section = section.setdefault(folder, {})
            section[name] = value
        return cls(**sections)

    def shaping(self) -> dict[str, Any]:
        """Return the settings that shape the state, by key, as JSON values in inside units.

        All but those of changes, privacy, Kafka, worker, service and webhooks do; even ``replay.step``, since the steps
        decide when models are fitted. Of those of privacy it counts whether ids are pseudonyms. What an order
        may be worth, and when it may have been, may change at any time.
        """
        values = self.model_dump(mode="python", exclude={"changes", "privacy", "kafka", "worker", "serve", "webhooks"})
        if self.privacy.secret_file is not None:
            values["privacy"] = {"pseudonyms": True}
        values["itemsets"]["epsilon"] = self.itemsets.epsilon_in_force
        del values["events"]["max_value"], values["events"]["latest"]
        for name in ("bands", "target_bands"):
            values["predictions"][name] = list(values["predictions"][name])
        values["features"]["use"] = list(self.features.use)
        # Features that are not in use shape nothing: a file of one may come and go.
        values["features"]["weights"] = {name: self.features.weights[name] for name in self.features.use}
        return flattened(values)


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dicts as one, by dotted key.

    Examples
    --------
    >>> flattened({"segments": {"k": 6}})
    {'segments.k': 6}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
