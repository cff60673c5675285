"""The small state of a partition: what the engine keeps of it along with records and counters."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_online.baskets.anonymous import BasketsByKnown
from crm_online.baskets.sampled import SamplingState
from crm_online.engine.changes import Changes
from crm_online.engine.prediction_state import PredictionState
from crm_online.engine.retention import RetentionState
from crm_online.errors import StateCorrupt, StateTooNew
from crm_online.step import Topic

NAME = "engine"
"""Name of the key; states written so far have this name."""
_FORMAT = 1


class FitSchedule(BaseModel):
    """When partition 0 checks for a better model; the others never do.

    Attributes
    ----------
    due
        Whether the next step does.
    checked_at
        Event time of the last check, in ms; ``None`` before the first.
    checked_customers, checked_events
        Number of customers at the last check, and the progress measure then (see ``Engine``).
    number_checked_at, number_checked_customers
        The same of the last check of how many segments there are to be.
    number_unfit
        In how many checks, one after the other, the number in force was not right.
    """

    model_config = ConfigDict(extra="forbid")

    due: bool = False
    checked_at: int | None = None
    checked_customers: int = 0
    checked_events: int = 0
    number_checked_at: int | None = None
    number_checked_customers: int = 0
    number_unfit: int = 0


class PartitionState(BaseModel):
    """The small state of one partition.

    Attributes
    ----------
    first_event, watermark
        Smallest and largest event time of the log so far, in ms.
    pauses
        The last pauses of the log, in ms: what a leap in time is held against.
    sequence, epoch
        Number of the last change, and the timeline it belongs to.
    customers, accepted, rejected, duplicates, baskets, unknown_fields
        How many there were: customers now in the state, events that counted, rejects, events seen
        before, closed baskets with an item, fields that no event has.
    segment_changes, rule_changes
        How many changes were emitted.
    withdrawn_baskets
        How many baskets were counted, have got more lines since, and are counted anew.
    doubtful_baskets
        How many baskets began where earlier ones were forgotten already, so that each may be part of one of them.
    suppressed
        How many events were left out since their customer was erased after they happened.
    remembered_baskets, forgotten_to
        Number of the basket that was last remembered, and the last time, in ms, of any that was forgotten.
    at_end_of_log
        Whether the log's end was reached and nothing has come since.
    due_counts
        The due queue: number of entries by bucket.
    migration_complete, roster_cursor, previous_ids, previous_centroids
        Whether all customers have moved to the model in use; if not, how far the roster is done;
        the segment ids of the version before, which the records of the others refer to, and its
        last centroids, in vector units of the version in use.
    journal_baskets, journal_bytes, checkpoints
        Size of the journal since the last checkpoint of the counters, and how many checkpoints there were.
    rules_baskets, rules_due
        How often baskets had been counted, over all partitions, when rules were last derived; whether the next step
        does.
    sampled_orders
        Where the sample of orders goes on.
    transitions
        How many transitions there were from an order of a sampled customer to the next.
    predictions
        Where examples and learning go on.
    baskets_by_known
        Baskets of known and of unknown customers.
    retention
        Where the passes over the roster are that find who was idle for too long.
    """

    # The aliases are the names in states written so far.
    model_config = ConfigDict(extra="forbid")

    format: int = _FORMAT
    first_event: int | None = None
    watermark: int | None = None
    pauses: list[int] = Field(default_factory=list)
    sequence: int = 0
    epoch: int = 0
    customers: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0
    baskets: int = 0
    unknown_fields: int = 0
    segment_changes: int = 0
    rule_changes: int = 0
    withdrawn_baskets: int = 0
    doubtful_baskets: int = 0
    suppressed: int = 0
    remembered_baskets: int = 0
    forgotten_to: int | None = None
    at_end_of_log: bool = Field(default=True, alias="closed")
    due_counts: dict[int, int] = Field(default_factory=dict, alias="waiting")
    migration_complete: bool = Field(default=True, alias="complete")
    roster_cursor: int = Field(default=0, alias="cursor")
    previous_ids: list[str] = Field(default_factory=list)
    previous_centroids: list[list[float]] = Field(default_factory=list)
    journal_baskets: int = 0
    journal_bytes: int = 0
    checkpoints: int = 0
    rules_baskets: int = 0
    rules_due: bool = False
    fit: FitSchedule = Field(default_factory=FitSchedule)
    sampled_orders: SamplingState = Field(default_factory=SamplingState)
    transitions: int = 0
    predictions: PredictionState = Field(default_factory=PredictionState)
    baskets_by_known: BasketsByKnown = Field(default_factory=BasketsByKnown)
    retention: RetentionState = Field(default_factory=RetentionState)

    def count(self, changes: Changes) -> None:
        """Count a step's changes, and note the number of the last."""
        self.segment_changes += sum(entry.topic is Topic.SEGMENT_CHANGES for entry in changes.entries)
        self.rule_changes += sum(entry.topic is Topic.RULES for entry in changes.entries)
        self.sequence = changes.sequence

    def encode(self) -> bytes:
        """Return the state as one line of JSON."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def decode(cls, raw: bytes | None) -> PartitionState:
        """Return the state of some bytes; of nothing, that of a partition that has had no step.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version, or none, wrote them.
        """
        if not raw:
            return cls()
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            found = re.search(rb'"format":(\d+)', raw)
            if found and int(found[1]) > _FORMAT:
                raise StateTooNew(f"the state has format {int(found[1])}, known is up to {_FORMAT}") from error
            raise StateCorrupt("the state of a partition cannot be read") from error
