"""Days since the last purchase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    bought = np.where(inputs.has_purchase, inputs.records.last_purchase, inputs.records.first_event)
    return inputs.days_since(bought)


FEATURE = Feature(
    about="days since the last purchase (since the first event, where nothing was bought yet)",
    unit="days",
    read=_read,
    knee=30.0,
    words=Words(
        contrast=Contrast.DIFFERENCE,
        phrase="last bought {value} ago (typical: {population})",
        part=NamePart.ADJECTIVE,
        high="lapsed",
        low="active",
        more="who bought longer ago",
        less="who bought more lately",
        pull=1.75,
        of=Buying.ONCE,
    ),
)
