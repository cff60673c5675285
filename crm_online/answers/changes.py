"""What the feed of changes has besides the changes, whose values are those of the topics (``crm_online.values``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from crm_online.answers.answer import Answer, Time
from crm_online.values.value import ChangeId

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


class DigestFlow(Answer):
    """How many moves went from one segment to another for one reason."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    from_name: str
    to_name: str
    reason: Annotated[str, Field(description="event or lapse: what customers did, or did no more")]
    moves: int


class Digest(Answer):
    """What changed in a period, as far as changes are kept."""

    since: Time
    until: Time
    headline: Annotated[str, Field(description="two or three sentences for a person")]
    moves: Annotated[int, Field(description="from one segment to another, by what customers did")]
    moves_before: Annotated[int, Field(description="the same in the period of the same length before")]
    refits: Annotated[int, Field(description="moves since a model was fitted anew, or gone segments")]
    newcomers: Annotated[int, Field(description="customers who got their first segment")]
    flows: Annotated[list[DigestFlow], Field(description="these moves, the largest flow first")]
    rules_entered: int
    rules_changed: int
    rules_left: int
