"""What is wrong with an event, in words that name native fields."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from crm_online.events.models import NO_TIME

_TYPES = ("purchase", "return", "view", "feedback", "contact", "profile", "outcome", "erase", "catalogue", "objection")
_MESSAGES = {
    "missing": "is missing",
    "union_tag_not_found": "is missing",
    "union_tag_invalid": f"is none of {', '.join(_TYPES)}",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "too_long": "has more than {max_length:,} lines",
    "string_too_long": "has more than {max_length} characters",
    "string_type": "is not a text",
    "string_pattern_mismatch": "has control characters",
    "string_unicode": "has half a Unicode character",
    "list_type": "is not a list",
    "model_type": "is not a JSON object",
    "dict_type": "is not a JSON object",
    "greater_than": "is not above {gt:g}",
    "greater_than_equal": "is below {ge:g}",
    "less_than_equal": "is above {le:,.0f}",
    "float_type": "is not a number",
    "bool_type": "is neither true nor false",
    "finite_number": "is not a finite number",
    "invalid-json-value": "is nothing that JSON has",
    "time": NO_TIME,
    "time_range": "is not from 1970 to 2105",
}
"""What is wrong with a field, by pydantic's type of error."""


def first_problem(error: ValidationError) -> tuple[str, str | None]:
    """Return reason and field of the first thing that is wrong.

    Of the event the reason holds names of native fields only, so that there are few.

    Examples
    --------
    >>> from crm_online.events.models import EVENT
    >>> try:
    ...     _ = EVENT.validate_python({"type": "view", "time": "2017-01-01", "customer_id": ""})
    ... except ValidationError as error:
    ...     first_problem(error)
    ('customer_id is empty', 'customer_id')
    """
    reason, place = _reason_and_path(error.errors(include_url=False, include_input=False)[0])
    return reason, ".".join(map(str, place)) or None


def all_problems(error: ValidationError) -> list[tuple[str, list[str | int]]]:
    """Return the reason and the path of each thing that is wrong, the first for each path.

    Examples
    --------
    >>> from crm_online.events.models import EVENT
    >>> try:
    ...     _ = EVENT.validate_python({"type": "purchase", "time": 1, "items": [{"item": ""}]})
    ... except ValidationError as error:
    ...     all_problems(error)
    [('time is not an ISO 8601 time such as 2017-01-31T12:00:00Z', ['time']), ('item is empty', ['items', 0, 'item'])]
    """
    found: dict[tuple[str | int, ...], str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        reason, place = _reason_and_path(detail)
        found.setdefault(tuple(place), reason)
    return [(reason, list(place)) for place, reason in found.items()]


def _reason_and_path(detail: ErrorDetails) -> tuple[str, list[str | int]]:
    """Return the reason of one of pydantic's errors, and its path in the event."""
    kind, place = detail["type"], list(detail["loc"])
    if kind == "json_invalid":
        return "not JSON", []
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        place = ["type"]
    elif place and place[0] in _TYPES:
        del place[0]
    if not place:
        return "not a JSON object", []
    if place[0] == "value" and len(place) > 1:  # of the several things that it may be, pydantic names one
        return "value is neither a text, nor a number, nor true or false", ["value"]
    named = place[:1] if place[0] == "attributes" else [part for part in place if isinstance(part, str)]
    words = _MESSAGES[kind].format(**detail.get("ctx", {})) if kind in _MESSAGES else detail["msg"]
    return f"{named[-1]} {words}", place
