"""Days since the first event."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.days_since(reading.records.first_event)


FEATURE = Feature(about="days since the first event", unit="days", read=_read, knee=30.0)
