"""Drifts of the whole log."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crm_online.answers.answer import Answer
from crm_online.values.drift import Drift


class Drifts(Answer):
    """What has become another than it was, the newest first, as far as it is kept."""

    drifts: Annotated[list[Drift], Field(description="as they were published")]
