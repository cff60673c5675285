"""What the body of a request may hold."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

_FIELDS: Final = 20


def _integer(value: Any) -> Any:
    """Return a number without a fraction as an integer, and anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGER: Final = BeforeValidator(_integer)
"""Goes after the bounds of a field: an integer is what JSON Schema has as one, 5.0 too, and neither "5" nor true."""


class Body(BaseModel):
    """The body of a request: a field that it does not know is refused, many of them as one fault.

    A value has the type that the schema says: neither 0 nor "no" is false. A field for an integer has `INTEGER`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _few(cls, value: Any) -> Any:
        """Refuse a body with thousands of fields at once: to list each needs longer than all look-ups."""
        if isinstance(value, dict) and len(value) > _FIELDS:
            raise PydanticCustomError("too_many_fields", "has more than {most} fields", {"most": _FIELDS})
        return value
