"""Money spent, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.sum("spend")


FEATURE = Feature(about="money spent, long ago counting less", unit="money", read=_read, sums=("spend",))
