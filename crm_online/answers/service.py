"""The service itself: its status, receipts of events, problems."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer, Time


class PartitionStatus(Answer, title="Partition"):
    """How far one partition is."""

    partition: int
    watermark: Time | None
    positions: Annotated[dict[str, int], Field(description="next position in each log or topic")]
    lag: Annotated[
        int | None, Field(description="records behind the end of the topic; null: not known, a log feeds it")
    ]
    accepted: int
    rejected: int
    duplicates: int


class Status(Answer):
    """How the state stands."""

    version: str
    feed: Annotated[str, Field(description="what feeds the state: logs, or kafka: and the topic")]
    currency: Annotated[str | None, Field(description="the shop's, as ISO 4217 has it; null: not set")] = None
    locale: Annotated[str | None, Field(description="how numbers and times are written; null: not set")] = None
    zone: Annotated[str | None, Field(description="the shop's time zone; null: not set")] = None
    watermark: Time | None
    customers: int
    min_customers: Annotated[int, Field(description="customers at which the first segments come")]
    baskets: int
    accepted: int
    rejected: int
    duplicates: int
    segment_changes: int
    rule_changes: int
    events_per_second: Annotated[float, Field(description="in the last seconds, by the wall clock")]
    lag: Annotated[int | None, Field(description="records behind, all partitions; null: not known")]
    partitions: list[PartitionStatus]


class RejectedRecord(Answer, title="Reject"):
    """A record that could not be used."""

    change_id: str
    reason: str
    field: str | None
    position: str
    raw: str


class Rejects(Answer):
    """Records that could not be used, the newest first, as far as they are kept."""

    rejected: Annotated[int, Field(description="all so far")]
    reasons: Annotated[dict[str, int], Field(description="those kept, by reason")]
    rejects: list[RejectedRecord]


class EventReceipt(Answer, title="Taken"):
    """Events that are on disk: all of a request."""

    events: int
    accepted: Annotated[
        int | None,
        Field(description="those that count, the others had been sent before; null: the workers find that out"),
    ]
    duplicates: Annotated[
        int | None, Field(description="those that the same producer had sent before, which count once; null: not known")
    ]
    to: Annotated[Literal["engine", "kafka"], Field(description="where they went")]


class Fault(Answer):
    """One thing that is wrong with what was sent."""

    where: Annotated[str, Field(description="a JSON pointer into the body, or the name of a parameter")]
    why: str


class Problem(Answer):
    """What went wrong, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: Annotated[list[Fault] | None, Field(description="each thing that is wrong with what was sent")] = None


class Ready(Answer):
    """Whether the service can answer."""

    ready: bool
    reasons: list[str]


class Alive(Answer):
    """The process runs."""

    alive: Literal[True] = True


class Session(Answer):
    """Who asks, and what they may do."""

    name: Annotated[str, Field(description="of the key; anybody: no keys are configured")]
    scopes: list[Literal["admin", "aggregates", "read", "write"]]
    keys: Annotated[bool, Field(description="whether the service needs keys")]
