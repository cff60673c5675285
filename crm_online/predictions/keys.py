"""Under which keys what predicts is stored, in partition 0."""

from __future__ import annotations

import json

from crm_online.errors import StateCorrupt

NAME = "predictor"
VERSION_NAME = "predictor-version"
"""Name of the key that says which version is stored."""


def version_of(head: bytes | None) -> int:
    """Return the version that the key :data:`VERSION_NAME` names; 0 where it is not there.

    Raises
    ------
    StateCorrupt
        If it names none.
    """
    try:
        return int(json.loads(head)["version"]) if head else 0
    except (ValueError, KeyError, TypeError) as error:
        raise StateCorrupt("the version of the predictor cannot be read") from error
