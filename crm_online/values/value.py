"""What all values have in common: they are changes, and each has its number."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
ChangeId = Annotated[
    str, Field(pattern=r"^[0-9]+-[0-9]+-[0-9]+$", description="partition, epoch and number of the change: 3-0-17")
]

TOLERANT: Final = "tolerant"
"""The context to validate values in that a newer version may have written: what is not known is left out."""


class Value(BaseModel):
    """A value, or a part of one: it cannot be changed, and has no other fields than these."""

    # Pydantic before 2.10 keeps names that begin with "model_" for itself.
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context != TOLERANT or not isinstance(value, dict):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {name: part for name, part in value.items() if name in known}


class ChangeValue(Value):
    """The value of a change."""

    change_id: ChangeId
