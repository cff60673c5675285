"""What all answers have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from crm_online.values.segments import SegmentId

Time = Annotated[datetime, Field(description="event time, in UTC")]
Features = Annotated[dict[str, float], Field(description="features by name, in their own units")]
SegmentOrNone = Annotated[SegmentId | None, Field(description="null: in none")]


class Answer(BaseModel):
    """An answer, or a part of one: it cannot be changed; further fields of a newer service are left out."""

    # Pydantic before 2.10 keeps names that begin with "model_" for itself.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=(), populate_by_name=True)
