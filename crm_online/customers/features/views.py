"""Items viewed, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.sum("views")


FEATURE = Feature(about="items viewed, long ago counting less", unit="views", read=_read, sums=("views",))
