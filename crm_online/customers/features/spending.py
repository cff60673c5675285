"""Money spent, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.sum("spend")


FEATURE = Feature(
    about="money spent, long ago counting less",
    unit="money",
    read=_read,
    sums=("spend",),
    words=Words(
        contrast=Contrast.RATIO,
        phrase="spends {ratio} what is typical",
        none="spends next to nothing",
        part=NamePart.NOUN,
        high="big spenders",
        low="small spenders",
        more="who spend more",
        less="who spend less",
        pull=1.5,
        of=Buying.ONCE,
    ),
)
