"""Times in the parameters of requests."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator


def _iso(text: str) -> str:
    """Refuse seconds since 1970, which pydantic takes for a time."""
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise ValueError("not an ISO 8601 time such as 2017-01-31T12:00:00Z")
    return text


IsoTime = Annotated[AwareDatetime, BeforeValidator(_iso)]
"""A time with its offset from UTC, as ISO 8601 has it."""
