"""The native events, as pydantic models: the one place that says what an event may hold, and why not.

Fields that are not known stay in ``model_extra`` of the model: they are counted, then dropped.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from crm_online.events import times

MAX_ID = 256
"""Most characters that an id or an item's name may have."""
MAX_LINES = 10_000
"""Most lines that a purchase or a return may have."""
MAX_NUMBER = 1e12
"""Largest price and quantity."""

NO_TIME = "is not an ISO 8601 time such as 2017-01-31T12:00:00Z"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def number(text: str) -> float | None:
    """Return the number that a text is, as JSON would write it; None for any other text.

    Examples
    --------
    >>> number("2.50"), number("2,50"), number("nan")
    (2.5, None, None)
    """
    return float(text) if _NUMBER.fullmatch(text) else None


def _text(value: object) -> object:
    return str(value) if type(value) is int else value


def _number(value: object) -> object:
    if type(value) is str:
        parsed = number(value)
        return value if parsed is None else parsed
    return value


def _milliseconds(value: object) -> int:
    try:
        if type(value) is str:
            time = times.from_iso(value)
        elif isinstance(value, datetime):
            time = times.from_datetime(value)
        else:
            raise PydanticCustomError("time", NO_TIME)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("time", NO_TIME) from error
    if not times.BEGIN <= time < times.END:
        raise PydanticCustomError("time_range", "is not from 1970 to 2105")
    return time


def _storable(value: JsonValue) -> JsonValue:
    """Refuse what JSON has no way to write: numbers that are not finite, halves of surrogate pairs."""
    waiting: list[JsonValue] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise PydanticCustomError("not_finite", "has a number that is not finite")
        if isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
            raise PydanticCustomError("half_character", "has half a Unicode character")
        if isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return value


def _storable_names(attributes: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _storable(list(attributes))
    return attributes


IdText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
"""The text of an id or an item's name: 1 to 256 characters, no control characters."""
Id = Annotated[IdText, BeforeValidator(_text)]
"""The same; an integer is written out."""
Time = Annotated[
    int,
    BeforeValidator(_milliseconds),
    WithJsonSchema({"type": "string", "description": "ISO 8601; without a zone it is UTC; from 1970 to 2105"}),
]
Quantity = Annotated[float, Field(gt=0, le=MAX_NUMBER, allow_inf_nan=False, strict=True), BeforeValidator(_number)]
Price = Annotated[float, Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False, strict=True), BeforeValidator(_number)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True), BeforeValidator(_number)]
Json = Annotated[JsonValue, AfterValidator(_storable)]
Attributes = Annotated[dict[str, Json], AfterValidator(_storable_names)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Line(_Model):
    """One line of a basket; ``item`` null: an unknown product, which counts for spend only."""

    item: Id | None
    quantity: Quantity = 1.0
    price: Price = 0.0


Lines = Annotated[list[Line], Field(min_length=1, max_length=MAX_LINES), FailFast()]
"""The lines of a basket; only the first that is wrong is reported, as there may be thousands."""


class _Event(_Model):
    event_id: Id | None = None
    time: Time


class _Customer(_Event):
    customer_id: Id


class Purchase(_Event):
    """A whole order, or some lines of one; without customer the basket counts, but no customer does."""

    type: Literal["purchase"]
    customer_id: Id | None = None
    basket_id: Id | None = None
    items: Lines


class Return(_Event):
    """Lines that came back; quantities and prices are positive, as they were sold."""

    type: Literal["return"]
    customer_id: Id | None = None
    basket_id: Id | None = None
    items: Lines


class View(_Customer):
    """A customer looked at an item."""

    type: Literal["view"]
    item: Id | None = None


class Feedback(_Customer):
    """How content a customer was, from 0 to 1."""

    type: Literal["feedback"]
    score: Score
    text: str | None = None


class Contact(_Customer):
    """A customer got in touch, or was written to."""

    type: Literal["contact"]
    channel: Annotated[str, Field(min_length=1)]
    reason: str | None = None


class Profile(_Customer):
    """What is known about a customer."""

    type: Literal["profile"]
    attributes: Attributes


class Outcome(_Customer):
    """A label that became known, such as churned."""

    type: Literal["outcome"]
    name: Annotated[str, Field(min_length=1)]
    value: Annotated[bool | int | float | str, AfterValidator(_storable)]


class Catalogue(_Event):
    """What is known of an item from a time on; what is not available is counted, but not recommended."""

    type: Literal["catalogue"]
    item: Id
    category: Annotated[str, Field(min_length=1, max_length=MAX_ID)] | None = None
    price: Price | None = None
    available: Annotated[bool, Field(strict=True)]

    @property
    def customer_id(self) -> None:
        """No customer: it is about an item."""


class Erase(_Customer):
    """A customer who is to be forgotten."""

    type: Literal["erase"]


class Objection(_Customer):
    """A customer who objects to being profiled: from then on nothing of them counts, until it is withdrawn."""

    type: Literal["objection"]
    withdrawn: Annotated[bool, Field(strict=True)] = False


Event = Annotated[
    Purchase | Return | View | Feedback | Contact | Profile | Outcome | Erase | Catalogue | Objection,
    Field(discriminator="type"),
]
"""Any native event."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
