"""The kinds of value that a setting can have, each with a text of what it allows."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic.fields import FieldInfo

from crm_online.settings.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
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


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting allows, in words, where its type does not say it."""

    text: str


def _number(value: object) -> object:
    """Refuse true and false, which Python takes for numbers."""
    if isinstance(value, bool):
        raise ValueError("not a number")
    return value


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _optional_number(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "none" else _number(value)


def _features(value: object) -> object:
    """Read ``orders,spend`` as a list, refuse unknown and doubled names, and put them in order."""
    names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or len(set(map(str, names))) < len(names):
        raise ValueError("not a list of features")
    unknown = [name for name in names if name not in FEATURE_NAMES]
    if unknown:
        raise ValueError(f"no such feature: {unknown[0]}")
    return tuple(name for name in FEATURE_NAMES if name in names)


Count = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
Switch = Annotated[bool, Allowed("true or false")]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), BeforeValidator(_number)]
OptionalNumber = Annotated[
    Annotated[float, Field(ge=0, allow_inf_nan=False)] | None,
    BeforeValidator(_optional_number),
    PlainSerializer(lambda value: "none" if value is None else value, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"const": "none"}]}),
    Allowed("a number of at least 0, or none"),
]
OptionalCount = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(_optional_number),
    PlainSerializer(lambda value: "none" if value is None else value, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "none"}]}),
    Allowed("a whole number of at least 1, or none"),
]

_duration_text = PlainSerializer(format_duration, return_type=str, when_used="json")
_DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": DURATION_PATTERN}
Duration = Annotated[
    int,
    Field(ge=0),
    BeforeValidator(_duration),
    _duration_text,
    WithJsonSchema(_DURATION_SCHEMA),
    Allowed("a duration such as 30m, 12h, 7d or 2w"),
]
PositiveDuration = Annotated[
    int,
    Field(gt=0),
    BeforeValidator(_duration),
    _duration_text,
    WithJsonSchema(_DURATION_SCHEMA),
    Allowed("a duration above 0 such as 6s or 1m"),
]
OptionalDuration = Annotated[
    Annotated[int, Field(gt=0)] | None,
    BeforeValidator(_duration),
    _duration_text,
    WithJsonSchema({"anyOf": [_DURATION_SCHEMA, {"const": "none"}]}),
    Allowed("a duration above 0 such as 12h, 90d or 2w, or none"),
]
Size = Annotated[
    int,
    Field(ge=1_000_000),
    BeforeValidator(_size),
    PlainSerializer(format_size, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN}),
    Allowed("a size of at least 1MB such as 64MB, 256MB or 1GiB"),
]
FeatureList = Annotated[
    tuple[str, ...],
    BeforeValidator(_features),
    Allowed("a list of features, each once, out of " + ", ".join(FEATURE_NAMES)),
]


def allowed(field: FieldInfo) -> str:
    """Return what a setting allows, in words: "a whole number from 1 to 3"."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    if field.annotation is str:
        return "a text that is not empty"
    noun = "a whole number" if field.annotation is int else "a number"
    return noun + _bounds(field.metadata)


def _bounds(metadata: list[object]) -> str:
    words = []
    for item in metadata:
        match item:
            case Ge(ge):
                words.append(f"of at least {ge}")
            case Gt(gt):
                words.append(f"above {gt}")
            case Le(le):
                words.append(f"at most {le}")
            case Lt(lt):
                words.append(f"below {lt}")
            case _:
                pass
    return (" " + " and ".join(words)) if words else ""
