"""What the feed of changes has besides the changes, whose values are those of the topics (``crm_online.values``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer
from crm_online.values.value import ChangeId

Kind = Literal["segment-change", "segment", "rule", "reject", "drift", "prediction"]
"""What a change is about: the ``event`` of its server-sent event."""
GapReason = Literal["trimmed", "rewound"]
"""Why changes are missing: they are kept no more, or the state was put back in time, and they hold no more."""


class Gap(Answer):
    """Changes of one partition that cannot be sent any more: look up again what you know from changes."""

    partition: Annotated[int, Field(ge=0)]
    after: Annotated[ChangeId, Field(description="the last change before the gap")]
    upto: Annotated[ChangeId, Field(description="the last change in the gap")]
    reason: Annotated[
        GapReason,
        Field(description="they are kept no more; the state was put back in time, and they are not so any more"),
    ]
