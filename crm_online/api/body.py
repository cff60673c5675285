"""What the body of a request may hold."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

_FIELDS: Final = 20


class Body(BaseModel):
    """The body of a request: a field that it does not know is refused, many of them as one fault."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _few(cls, value: Any) -> Any:
        """Refuse a body with thousands of fields at once: to list each needs longer than all look-ups."""
        if isinstance(value, dict) and len(value) > _FIELDS:
            raise PydanticCustomError("too_many_fields", "has more than {most} fields", {"most": _FIELDS})
        return value
