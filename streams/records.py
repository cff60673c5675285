"""Records of the events topic into events, rejects and controls: the first thing that happens to them here.

Bytes are decoded by us, not by Faust: what cannot be read is a reject with its position, and the flow goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crm_online.events.batch import Batch
from crm_online.events.columns import count_unknown, from_events
from crm_online.events.models import Erase, Event, Time, first_problem
from crm_online.events.objects import native_events
from crm_online.events.rejects import Refused, RejectedRow, cut

CONTROL: Final = "control"
"""The header of records that are no event of a customer, but a command for the partition."""
MAX_VALUE: Final = 1_000_000
"""Largest value of a record, in bytes."""


class Record(Protocol):
    """What is used of a record: aiokafka's ``ConsumerRecord`` has it."""

    @property
    def offset(self) -> int:
        """Its offset in the partition."""

    @property
    def key(self) -> bytes | None:
        """The key."""

    @property
    def value(self) -> bytes | None:
        """The value."""

    @property
    def timestamp(self) -> int:
        """The broker's time, in ms since 1970."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """The headers."""


class Tick(BaseModel):
    """Time goes on to ``time``, though no event says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Literal["tick"]
    time: Time


class Refit(BaseModel):
    """Look for a better model with the next step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Literal["refit"]


Control = Annotated[Tick | Refit, Field(discriminator="command")]
_CONTROL: TypeAdapter[Control] = TypeAdapter(Control)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedRecords(Batch):
    """What some records of one partition hold; ``watermark`` is the largest time among their events and ticks.

    Attributes
    ----------
    refit
        Whether a better model is to be looked for.
    """

    refit: bool


def decode(records: Sequence[Record], topic: str, partition: int, max_ahead: int | None) -> DecodedRecords:
    """Return what records hold; of any bytes, without raising.

    Parameters
    ----------
    records
        Records of one partition, in order.
    topic, partition
        Where they are from.
    max_ahead
        How far an event's time may lie ahead of the broker's time, in ms; ``None``: any distance.
    """
    rejected: Refused = {}
    lines, controls = _lines(records, rejected)
    found: dict[int, Event | Control] = {**native_events(lines, rejected), **_controls(controls, rejected)}
    for index, one in list(found.items()):
        reason = _reject_reason(records[index], one, max_ahead)
        if reason is not None:
            rejected[index] = reason
            del found[index]
    events = {index: one for index, one in found.items() if not isinstance(one, Tick | Refit)}
    unknown: dict[str, int] = {}
    count_unknown(events.values(), unknown)
    return DecodedRecords(
        source=topic,
        begin=records[0].offset if records else 0,
        end=records[-1].offset + 1 if records else 0,
        events=from_events(list(events.values()), [records[index].offset for index in events], f"{topic}:{partition}"),
        rejects=[_reject(records[index], topic, partition, *rejected[index]) for index in sorted(rejected)],
        watermark=max((one.time for one in found.values() if not isinstance(one, Erase | Refit)), default=None),
        unknown_fields=unknown,
        refit=any(isinstance(one, Refit) for one in found.values()),
    )


def key_of(event: Event) -> str | None:
    """Return the key that an event's record must have; ``None`` if any key will do."""
    if event.customer_id is not None:
        return event.customer_id
    return event.event_id if event.basket_id is None else event.basket_id


def _lines(records: Sequence[Record], rejected: Refused) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return the values that may be events, and those of controls, by index."""
    lines: dict[int, bytes] = {}
    controls: dict[int, bytes] = {}
    for index, record in enumerate(records):
        value = record.value
        if value is None:
            rejected[index] = ("no value", None)
        elif len(value) > MAX_VALUE:
            rejected[index] = ("larger than 1 MB", None)
        elif not value.strip():
            rejected[index] = ("an empty value", None)
        elif not _is_text(value):
            rejected[index] = ("not UTF-8", None)
        elif any(name == CONTROL for name, _ in record.headers):
            controls[index] = value
        else:
            lines[index] = value.strip()
    return lines, controls


def _controls(values: dict[int, bytes], rejected: Refused) -> dict[int, Control]:
    controls: dict[int, Control] = {}
    for index, value in values.items():
        try:
            controls[index] = _CONTROL.validate_json(value)
        except ValidationError as error:
            rejected[index] = _wrong_control(error)
    return controls


def _wrong_control(error: ValidationError) -> tuple[str, str | None]:
    match error.errors(include_url=False, include_input=False)[0]["type"]:
        case "union_tag_invalid" | "union_tag_not_found":
            return "command is neither tick nor refit", "command"
        case "extra_forbidden":
            return "a field that the command does not have", None
    reason, field = first_problem(error)
    return reason, field if field is None else field.partition(".")[2]


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _reject_reason(record: Record, found: Event | Control, max_ahead: int | None) -> tuple[str, str] | None:
    """Return why an event or control is rejected, and which of its fields is wrong."""
    if isinstance(found, Refit):
        return None
    key = None if isinstance(found, Tick) else key_of(found)
    if key is not None and record.key != key.encode():
        return "the record's key is not the id of its customer (or basket, or event)", "key"
    # An erasure that is dated far ahead is done all the same; but time does not go on by it.
    if isinstance(found, Erase) or max_ahead is None or found.time <= record.timestamp + max_ahead:
        return None
    return "time too far ahead of the broker's", "time"


def _reject(record: Record, topic: str, partition: int, reason: str, field: str | None) -> RejectedRow:
    return RejectedRow(reason, field, f"{topic}:{partition}:{record.offset}", cut(record.value or b""), record.offset)
