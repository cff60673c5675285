"""Records of the events topic into events, rejects and controls: the first thing that happens to them here.

Bytes are decoded by us, not by Faust: what cannot be read is a reject with its position, and the flow goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crm_online.events.batch import Batch
from crm_online.events.columns import timeless
from crm_online.events.decoding import DecodedEvents, decode_lines, native_event
from crm_online.events.intake import INTAKE, Intake
from crm_online.events.models import Catalogue, Event, Time
from crm_online.events.presets.preset import Refusal
from crm_online.events.problems import first_problem
from crm_online.events.producers import MADE_HERE, producer_number
from crm_online.events.rejects import Refused, RejectedRow
from streams.unpacked import RefusedValue

CONTROL: Final = "control"
"""The header of records that are no event of a customer, but a command for the partition."""
PRODUCER: Final = "producer"
"""The header that names whose event ids a record has; without it they are the topic's."""
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
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The headers; Kafka allows one without a value."""


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
_WRONG_KEY: Final = ("the record's key is not the id of its customer (or basket, item or event)", "key")
_TOO_FAR: Final = ("time too far ahead of the broker's", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedRecords(Batch):
    """What some records of one partition hold; ``watermark`` is the largest time among their events and ticks.

    Attributes
    ----------
    refit
        Whether a better model is to be looked for.
    """

    refit: bool


def decode(
    records: Sequence[Record], topic: str, partition: int, max_ahead: int | None, intake: Intake = INTAKE
) -> DecodedRecords:
    """Return what records hold; of any bytes, without raising.

    Parameters
    ----------
    records
        Records of one partition, in order.
    topic, partition
        Where they are from.
    max_ahead
        How far an event's time may lie ahead of the broker's time, in ms; ``None``: any distance.
    intake
        What is kept of events and rejects.
    """
    rejected: Refused = {}
    lines, commands = _lines(records, rejected)
    offsets = [record.offset for record in records]
    source_id = f"{topic}:{partition}"
    found = decode_lines(lines, lambda place: _judge(lines[place]), offsets, source_id, rejected)
    for index, place in enumerate(found.places):
        for name, value in records[place].headers:
            if name == PRODUCER and value is not None and found.events.producer[index] != MADE_HERE:
                found.events.producer[index] = producer_number(value)
    if barred := dict(intake.refused(found.events)):
        rejected |= {found.places[index]: why for index, why in barred.items()}
        found = found.select(~np.isin(np.arange(len(found.events)), [*barred]))
    found = _accepted(found, records, source_id, max_ahead, rejected)
    controls = _controls(commands, records, max_ahead, rejected)
    passed = found.events.time[~timeless(found.events)]
    ticks = [control.time for control in controls if isinstance(control, Tick)]
    return DecodedRecords(
        source=topic,
        begin=offsets[0] if records else 0,
        end=offsets[-1] + 1 if records else 0,
        events=intake.events(found.events),
        rejects=[_reject(records[index], topic, partition, intake, *rejected[index]) for index in sorted(rejected)],
        watermark=max([*ticks, *([int(passed.max())] if passed.size else [])], default=None),
        unknown_fields=found.count_unknown(),
        refit=any(isinstance(control, Refit) for control in controls),
    )


def key_of(event: Event) -> str | None:
    """Return the key that an event's record must have; ``None`` if any key will do."""
    if isinstance(event, Catalogue):
        return event.item
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
        elif isinstance(value, RefusedValue):
            rejected[index] = (value.decode(), None)
        elif len(value) > MAX_VALUE:
            rejected[index] = ("larger than 1 MB", None)
        elif record.headers and any(name == CONTROL for name, _ in record.headers):
            controls[index] = value
        else:
            lines[index] = value
    return lines, controls


def _text(value: bytes) -> str | Refusal:
    stripped = value.strip()
    if not stripped:
        return Refusal("an empty value")
    try:
        return stripped.decode()
    except UnicodeDecodeError:
        return Refusal("not UTF-8")


def _judge(value: bytes) -> Event | Refusal:
    text = _text(value)
    return text if isinstance(text, Refusal) else native_event(text)


def _controls(
    values: dict[int, bytes], records: Sequence[Record], max_ahead: int | None, rejected: Refused
) -> list[Control]:
    controls: list[Control] = []
    for index, value in values.items():
        text = _text(value)
        if isinstance(text, Refusal):
            rejected[index] = text
            continue
        try:
            control = _CONTROL.validate_json(text)
        except ValidationError as error:
            rejected[index] = _wrong_control(error)
            continue
        latest = None if max_ahead is None else records[index].timestamp + max_ahead
        if isinstance(control, Tick) and latest is not None and control.time > latest:
            rejected[index] = _TOO_FAR
        else:
            controls.append(control)
    return controls


def _wrong_control(error: ValidationError) -> tuple[str, str | None]:
    match error.errors(include_url=False, include_input=False)[0]["type"]:
        case "union_tag_invalid" | "union_tag_not_found":
            return "command is neither tick nor refit", "command"
        case "extra_forbidden":
            return "a field that the command does not have", None
    reason, field = first_problem(error)
    return reason, field if field is None else field.partition(".")[2]


def _accepted(
    found: DecodedEvents, records: Sequence[Record], source_id: str, max_ahead: int | None, rejected: Refused
) -> DecodedEvents:
    """Return the events with the right key whose times are not too far ahead; the others become rejects."""
    events, places = found.events, found.places
    pairs = zip(places, _keys(found, records, source_id), strict=True)
    wrong = np.array([key is not None and records[place].key != key for place, key in pairs], bool)
    far = np.zeros(len(events), bool)
    if max_ahead is not None:
        stamps = np.fromiter((records[place].timestamp for place in places), np.int64, len(places))
        # An erasure or objection that is dated far ahead is done all the same; but time does not go on by it.
        far = (events.time > stamps + max_ahead) & ~timeless(events)
    rejected |= {places[index]: _TOO_FAR for index in np.flatnonzero(far).tolist()}
    rejected |= {places[index]: _WRONG_KEY for index in np.flatnonzero(wrong).tolist()}
    good = ~(wrong | far)
    return found if good.all() else found.select(good)


def _keys(found: DecodedEvents, records: Sequence[Record], source_id: str) -> list[bytes | None]:
    """Return the key that the record of each event must have; ``None`` if any key will do."""
    events = found.events
    customers, baskets = ([name.encode() for name in names] for names in (events.customers, events.baskets))
    keys: list[bytes | None] = [
        customers[customer] if customer >= 0 else baskets[basket] if basket >= 0 else None
        for customer, basket in zip(events.customer.tolist(), events.basket.tolist(), strict=True)
    ]
    for index in [index for index, key in enumerate(keys) if key is None]:
        event_id = events.event_ids[index]
        if event_id != f"{source_id}-{records[found.places[index]].offset}":  # it was not made
            keys[index] = event_id.encode()
    return keys


def _reject(record: Record, topic: str, partition: int, intake: Intake, reason: str, field: str | None) -> RejectedRow:
    position = f"{topic}:{partition}:{record.offset}"
    raw = b"" if record.value is None or isinstance(record.value, RefusedValue) else record.value
    return RejectedRow(reason, field, position, intake.row(raw), record.offset)
