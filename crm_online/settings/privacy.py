"""The settings of privacy: what is kept of persons. Nothing here shapes the state but that ids are pseudonyms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from crm_online.settings.fields import Count, OptionalDuration, Section, optional
from crm_online.settings.network import OptionalFile


def _names(value: object) -> object:
    """Read ``town,age`` as a list; nothing as an empty one."""
    names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("not a list of names")
    return tuple(dict.fromkeys(names))


AttributeList = Annotated[
    tuple[str, ...] | None,
    optional(
        "names with commas between (an empty text: no attribute)",
        {"anyOf": [{"type": "array", "items": {"type": "string", "minLength": 1}}, {"const": "none"}]},
        _names,
        list,
    ),
]


class PrivacySettings(Section):
    """What is kept of persons; nothing here shapes the state but that ids are pseudonyms."""

    attributes: AttributeList = Field(
        default=None,
        description="attributes of profiles that are kept; none: all but those that identify somebody, such as "
        "email, name, phone and address",
    )
    retention: OptionalDuration = Field(
        default=None,
        description="event time without an event of theirs after which customers leave as by an erasure; none: never",
    )
    audit_file: OptionalFile = Field(
        default=None,
        description="file to which a line is appended for each look-up, copy, export and erasure of customers, with "
        "hashes of their ids; none: nothing is noted",
    )
    secret_file: OptionalFile = Field(
        default=None,
        description="file of the keys by which ids become pseudonyms as they come in; a state has pseudonyms from its "
        "beginning or never; none: ids are stored as they are",
    )
    least_customers: Count = Field(
        default=10,
        ge=2,
        le=1_000_000,
        description="different customers that each figure shown to keys of the scope aggregates stands on at least, "
        "and each difference to the publication before",
    )
