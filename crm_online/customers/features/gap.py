"""Days between purchases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import MS_PER_DAY, FeatureInputs
from crm_online.segments.buying import Buying
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    records = inputs.records
    between = np.maximum(records.purchases - 1, 1)
    mean = (records.last_purchase - records.first_purchase) / between / MS_PER_DAY
    # Who bought only once has waited at least as long as since then.
    start = np.where(inputs.has_purchase, records.last_purchase, records.first_event)
    return np.where(records.purchases > 1, mean, inputs.days_since(start))


FEATURE = Feature(
    about="mean days between purchases (since the only one, or since the first event, where there are not two)",
    unit="days",
    read=_read,
    knee=30.0,
    words=Words(
        contrast=Contrast.DIFFERENCE,
        phrase="buys every {value} (typical: {population})",
        part=NamePart.ADJECTIVE,
        high="seldom-seen",
        low="regular",
        more="with longer pauses",
        less="with shorter pauses",
        high_from=14.0,
        low_until=90.0,
        of=Buying.AGAIN,
    ),
)
