"""Share returned: decayed value of returns over decayed spend, at most 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return np.minimum(reading.ratio("returned", "spend"), 1.0)


FEATURE = Feature(
    about="share of the money spent that was returned",
    unit="share",
    read=_read,
    sums=("spend", "returned"),
    transform="identity",
)
