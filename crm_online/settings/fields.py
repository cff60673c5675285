"""The kinds of value that a setting can have, and how each is read, written and described outside."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from crm_online.settings.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    format_time,
    parse_duration,
    parse_size,
    parse_time,
)

DEFAULT_FEATURES = (
    "orders",
    "spending",
    "recency",
    "basket_value",
    "basket_size",
    "gap",
    "returned",
    "views",
    "feedback",
    "contacts",
    "tenure",
)
"""The features that make a customer's vector unless others are set, in its order."""

_FOLDER = Path(__file__).parent.parent / "customers" / "features"
_FOUND = sorted(module.name for module in pkgutil.iter_modules([str(_FOLDER)]))

FEATURE_NAMES = (*DEFAULT_FEATURES, *(name for name in _FOUND if name not in DEFAULT_FEATURES))
"""The features there are, in the order of the vectors: each is a file of ``customers/features``."""


class Section(BaseModel):
    """One section of the settings; it cannot be changed once made."""

    # Without hide_input_in_errors, a traceback of pydantic's error would show the passwords that were given.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def contradiction(why: str, *keys: str) -> PydanticCustomError:
    """Return the error of settings that do not go together."""
    return PydanticCustomError("contradiction", "{why}", {"why": why, "keys": list(keys)})


@dataclass(frozen=True)
class Form(GroupedMetadata):
    """How the values of a setting look outside, where their type alone does not say it.

    Attributes
    ----------
    allowed
        What is allowed, in words; empty: type and bounds say it.
    read
        Makes the value of what was given, or raises ``ValueError``.
    write
        Makes a JSON value of the value.
    schema
        JSON schema of what ``write`` makes.
    """

    allowed: str = ""
    read: Callable[[object], object] | None = None
    write: Callable[[Any], object] | None = None
    schema: Mapping[str, Any] | None = None

    def __iter__(self) -> Iterator[object]:
        """Give the annotations that pydantic knows."""
        if self.read is not None:
            yield BeforeValidator(self.read)
        if self.write is not None:
            yield PlainSerializer(self.write, when_used="json")
        if self.schema is not None:
            yield WithJsonSchema(dict(self.schema))


def optional(
    allowed: str,
    schema: Mapping[str, Any],
    read: Callable[[object], object],
    write: Callable[[Any], object] = lambda value: value,
) -> Form:
    """Return the form of a setting that may also be ``None``, which is written ``none``; the schema allows that too."""
    return Form(
        f"{allowed}, or none",
        lambda value: None if is_none(value) else read(value),
        lambda value: "none" if value is None else write(value),
        schema,
    )


def _or_none(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"const": "none"}]}


def is_none(value: object) -> bool:
    """Tell whether ``none`` was given."""
    return isinstance(value, str) and value.strip().lower() == "none"


def _number(value: object) -> object:
    """Refuse true and false, which Python takes for numbers."""
    if isinstance(value, bool):
        raise ValueError("not a number")
    return value


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _time(value: object) -> object:
    match value:
        case date():  # TOML has dates, and datetimes, of its own
            return parse_time(value.isoformat())
        case str():
            return parse_time(value.strip())
        case _:
            return value


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _features(value: object) -> object:
    """Read ``orders,spend`` as a list, refuse unknown and doubled names, and put them in order."""
    names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or len(set(map(str, names))) < len(names):
        raise ValueError("not a list of features")
    unknown = [name for name in names if name not in FEATURE_NAMES]
    if unknown:
        raise ValueError(f"no such feature: {unknown[0]}")
    return tuple(name for name in FEATURE_NAMES if name in names)


def _bands(value: object) -> object:
    """Read ``0.2,0.5`` as a list of numbers between 0 and 1, each larger than the one before."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or any(isinstance(part, bool) for part in parts):
        raise ValueError("not a list of borders")
    borders = tuple(map(float, parts))
    if not 1 <= len(borders) <= 16 or not all(low < high for low, high in pairwise((0.0, *borders, 1.0))):
        raise ValueError("not a list of borders")
    return borders


_DURATION = {"type": "string", "pattern": DURATION_PATTERN}

Switch = Annotated[bool, Form("true or false")]
Count = Annotated[int, Form(read=_number)]
Number = Annotated[float, Field(allow_inf_nan=False), Form(read=_number)]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), Form(read=_number)]
OptionalCount = Annotated[
    Annotated[int, Field(ge=1)] | None,
    optional("a whole number of at least 1", _or_none({"type": "integer", "minimum": 1}), _number),
]
OptionalNumber = Annotated[
    Annotated[float, Field(ge=0, allow_inf_nan=False)] | None,
    optional("a number of at least 0", _or_none({"type": "number", "minimum": 0}), _number),
]
OptionalRate = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
    optional("a number above 0", _or_none({"type": "number", "exclusiveMinimum": 0}), _number),
]
Duration = Annotated[
    int,
    Field(ge=0),
    Form("a duration such as 30m, 12h, 7d or 2w", _duration, format_duration, _DURATION),
]
PositiveDuration = Annotated[
    int,
    Field(gt=0),
    Form("a duration above 0 such as 6s or 1m", _duration, format_duration, _DURATION),
]
OptionalDuration = Annotated[
    Annotated[int, Field(gt=0)] | None,
    optional("a duration above 0 such as 12h, 90d or 2w", _or_none(_DURATION), _duration, format_duration),
]
OptionalTime = Annotated[
    Annotated[int, Field(ge=0)] | None,
    optional("a time such as 2026-03-01 or 2026-03-01T08:00:00Z", _or_none({"type": "string"}), _time, format_time),
]
Size = Annotated[
    int,
    Field(ge=1_000_000),
    Form(
        "a size of at least 1MB such as 64MB, 256MB or 1GiB",
        _size,
        format_size,
        {"type": "string", "pattern": SIZE_PATTERN},
    ),
]
FeatureList = Annotated[
    tuple[str, ...],
    Form("a list of features, each once, out of " + ", ".join(FEATURE_NAMES), _features),
]
BandList = Annotated[
    tuple[float, ...],
    Form("a list of up to 16 numbers between 0 and 1, each larger than the one before", _bands),
]

_BOUNDS = {Ge: "of at least {0.ge}", Gt: "above {0.gt}", Le: "at most {0.le}", Lt: "below {0.lt}"}


def allowed(field: FieldInfo) -> str:
    """Return what a setting allows, in words: "a whole number from 1 to 3"."""
    for item in field.metadata:
        if isinstance(item, Form) and item.allowed:
            return item.allowed
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    if field.annotation is str:
        return "a text that is not empty"
    bounds = [_BOUNDS[type(item)].format(item) for item in field.metadata if type(item) in _BOUNDS]
    noun = "a whole number" if field.annotation is int else "a number"
    return " ".join([noun, " and ".join(bounds)]).strip()
