"""Value of a basket: decayed spend over decayed orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.ratio("spend", "orders")


FEATURE = Feature(about="mean value of a basket", unit="money", read=_read, sums=("orders", "spend"))
