"""Items viewed, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.sum("views")


FEATURE = Feature(
    about="items viewed, long ago counting less",
    unit="views",
    read=_read,
    sums=("views",),
    words=Words(
        contrast=Contrast.RATIO,
        phrase="looks at {ratio} as many items as is typical",
        none="looks at hardly any items",
        part=NamePart.NOUN,
        high="browsing buyers",
        high_from=0.5,
        more="who look around more",
        less="who look around less",
    ),
)
