"""Orders, decayed: an order one half-life ago counts half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.sum("orders")


FEATURE = Feature(about="orders, the older ones counting less", unit="orders", read=_read, sums=("orders",))
