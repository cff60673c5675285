"""Size of a basket: decayed lines over decayed orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.ratio("lines", "orders")


FEATURE = Feature(about="mean number of lines of a basket", unit="lines", read=_read, sums=("orders", "lines"))
