"""Orders, decayed: an order one half-life ago counts half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.sum("orders")


FEATURE = Feature(
    about="orders, the older ones counting less",
    unit="orders",
    read=_read,
    sums=("orders",),
    words=Words(
        contrast=Contrast.RATIO,
        phrase="orders {ratio} as often as is typical",
        none="hardly ever orders",
        part=NamePart.ADJECTIVE,
        high="frequent",
        low="occasional",
        high_from=2.0,
        low_until=5.0,
        of=Buying.ONCE,
        more="who order more",
        less="who order less",
    ),
)
