"""Mean score of feedback, decayed; 0.5 where there was none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.vectors import Transform
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return np.where(inputs.sum("feedbacks") > 0, inputs.ratio("scores", "feedbacks"), 0.5)


FEATURE = Feature(
    about="mean score of the feedback given, 0 to 1 (0.5 where none was given)",
    unit="score",
    read=_read,
    sums=("scores", "feedbacks"),
    transform=Transform.IDENTITY,
    words=Words(
        # Without figures: who gave no feedback counts as 0.5, and what the others gave is a trait.
        contrast=Contrast.DIRECTION,
        phrase="gives {direction} feedback than others",
        above="better",
        below="worse",
        part=NamePart.ADJECTIVE,
        high="happy",
        low="unhappy",
        more="who rate higher",
        less="who rate lower",
        neutral=0.5,
        high_from=0.55,
        low_until=0.45,
    ),
)
