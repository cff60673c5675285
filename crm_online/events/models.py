"""The native events, as pydantic models: the one place that says what an event may hold, and why not.

Fields that are not known stay in ``model_extra`` of the model: they are counted, then left behind.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from crm_online.events import times

MAX_ID = 256
"""Most characters that an id or an item's name may have."""
MAX_NUMBER = 1e12
"""Largest price and quantity."""

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
            raise PydanticCustomError("time", "Time should be an ISO 8601 text")
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("time", "Time should be ISO 8601, like 2017-01-31T12:00:00Z") from error
    if not times.BEGIN <= time < times.END:
        raise PydanticCustomError("time_range", "Time should be from 1970 to 2105")
    return time


def _storable(value: JsonValue) -> JsonValue:
    """Refuse what JSON has no way to write: numbers that are not finite, halves of surrogate pairs."""
    waiting: list[JsonValue] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, float) and not math.isfinite(part):
            raise PydanticCustomError("finite_number", "Input should hold finite numbers only")
        if isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part):
            raise PydanticCustomError("string_unicode", "Input should hold whole Unicode characters only")
        if isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return value


def _storable_names(attributes: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _storable(list(attributes))
    return attributes


Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID, pattern=r"^[^\p{Cc}]*$"), BeforeValidator(_text)]
"""An id or an item's name: 1 to 256 characters, no control characters; an integer is written out."""
Time = Annotated[int, BeforeValidator(_milliseconds)]
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
    items: Annotated[list[Line], Field(min_length=1)]


class Return(_Event):
    """Lines that came back; quantities and prices are positive, as they were sold."""

    type: Literal["return"]
    customer_id: Id | None = None
    basket_id: Id | None = None
    items: Annotated[list[Line], Field(min_length=1)]


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


class Erase(_Customer):
    """A customer who is to be forgotten."""

    type: Literal["erase"]


Event = Annotated[
    Purchase | Return | View | Feedback | Contact | Profile | Outcome | Erase, Field(discriminator="type")
]
"""Any native event."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
"""Validates a whole batch at once."""

_TYPES = frozenset({"purchase", "return", "view", "feedback", "contact", "profile", "outcome", "erase"})


def first_problem(error: ValidationError) -> tuple[str, str | None]:
    """Return reason and field of the first thing that is wrong.

    Examples
    --------
    >>> try:
    ...     _ = EVENT.validate_python({"type": "view", "time": "2017-01-01", "customer_id": ""})
    ... except ValidationError as error:
    ...     first_problem(error)
    ('String should have at least 1 character', 'customer_id')
    """
    detail: ErrorDetails = error.errors(include_url=False, include_input=False)[0]
    place: list[Any] = list(detail["loc"])
    if place and place[0] in _TYPES:
        del place[0]
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        place = ["type"]
    return detail["msg"], ".".join(map(str, place)) or None
