"""Contacts with the shop, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading


def _read(reading: Reading) -> NDArray[np.float64]:
    return reading.sum("contacts")


FEATURE = Feature(
    about="contacts with the shop, long ago counting less", unit="contacts", read=_read, sums=("contacts",)
)
