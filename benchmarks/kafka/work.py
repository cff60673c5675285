"""What the plain apps do with one event: river learns from it, Redis is written to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import redis

from benchmarks.plain_replay import PlainReplay


class PlainWork:
    """The plain way of :mod:`benchmarks.plain_replay`, for native events as JSON reads them.

    Parameters
    ----------
    state
        The URL of Redis.
    """

    def __init__(self, state: str) -> None:
        self._plain = PlainReplay(redis.Redis.from_url(state))

    def take(self, event: Mapping[str, Any]) -> None:
        """Take a purchase."""
        when = int(np.datetime64(event["time"][:-1], "ms").astype(np.int64))
        for line in event["items"]:
            quantity, value = line["quantity"], line["quantity"] * line["price"]
            self._plain.take(event["customer_id"], event["basket_id"], line["item"], quantity, value, when)
