"""Days since the first event."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.days_since(inputs.records.first_event)


FEATURE = Feature(
    about="days since the first event",
    unit="days",
    read=_read,
    knee=30.0,
    words=Words(
        contrast=Contrast.DIFFERENCE,
        phrase="known for {value} (typical: {population})",
        part=NamePart.ADJECTIVE,
        high="long-standing",
        low="new",
        more="of longer standing",
        less="who came more lately",
        high_from=90.0,
        low_until=90.0,
    ),
)
