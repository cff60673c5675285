"""One section of the settings, and the error of settings that do not go together."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """One section of the settings; it cannot be changed once made."""

    # Without hide_input_in_errors, a traceback of pydantic's error would show the passwords that were given.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def contradiction(why: str, *keys: str) -> PydanticCustomError:
    """Return the error of settings that do not go together."""
    return PydanticCustomError("contradiction", "{why}", {"why": why, "keys": list(keys)})
