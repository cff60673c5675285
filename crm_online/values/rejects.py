"""What could not be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crm_online.events.rejects import MAX_RAW
from crm_online.values.value import ChangeValue


class Reject(ChangeValue):
    """A record that could not be used. No key."""

    reason: Annotated[str, Field(min_length=1, description="why, in words")]
    field: Annotated[str | None, Field(description="the native field at fault; null: the whole record")]
    position: Annotated[str, Field(min_length=1, description="where it is in the log")]
    raw: Annotated[str, Field(max_length=MAX_RAW, description="its beginning; bytes that are no text are replaced")]
