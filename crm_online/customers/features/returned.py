"""Share returned: decayed value of returns over decayed spend, at most 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vectors import Transform
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return np.minimum(inputs.ratio("returned", "spend"), 1.0)


FEATURE = Feature(
    about="share of the money spent that was returned",
    unit="share",
    read=_read,
    sums=("spend", "returned"),
    transform=Transform.IDENTITY,
    words=Words(
        contrast=Contrast.DIFFERENCE,
        phrase="returns {value} of what it buys (average {population})",
        part=NamePart.NOUN,
        high="returners",
        more="who return more",
        less="who return less",
        high_from=0.05,
        of=Buying.ONCE,
    ),
)
