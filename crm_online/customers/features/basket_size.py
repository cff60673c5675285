"""Size of a basket: decayed lines over decayed orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.ratio("lines", "orders")


FEATURE = Feature(
    about="mean number of lines of a basket",
    unit="lines",
    read=_read,
    sums=("orders", "lines"),
    words=Words(
        contrast=Contrast.DIFFERENCE,
        phrase="buys {value} lines at a time (typical: {population})",
        part=NamePart.NOUN,
        high="full-basket shoppers",
        low="few-item shoppers",
        more="with fuller baskets",
        less="with fewer items a basket",
        of=Buying.ONCE,
    ),
)
