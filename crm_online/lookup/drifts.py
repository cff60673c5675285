"""The drifts that a state keeps."""

from __future__ import annotations

import json
from typing import Any

from crm_online.engine.drifting import DRIFTS
from crm_online.engine.peers import MODEL_PARTITION
from crm_online.store import Store


def kept_drifts(store: Store, most: int) -> list[dict[str, Any]]:
    """Return the last drifts as they were published, at most so many, the newest first.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    lines = store.partition(MODEL_PARTITION).list_range(DRIFTS, -most, -1)
    return [json.loads(line) for line in reversed(lines)]
