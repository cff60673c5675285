"""Value of a basket: decayed spend over decayed orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.ratio("spend", "orders")


FEATURE = Feature(
    about="mean value of a basket",
    unit="money",
    read=_read,
    sums=("orders", "spend"),
    words=Words(
        contrast=Contrast.RATIO,
        phrase="has baskets worth {ratio} what is typical",
        none="has baskets worth next to nothing",
        part=NamePart.NOUN,
        high="high-value basket buyers",
        low="low-value basket buyers",
        more="with baskets of higher value",
        less="with baskets of lower value",
        of=Buying.ONCE,
    ),
)
