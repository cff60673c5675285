"""Contacts with the shop, decayed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.segments.vocabulary import Contrast, NamePart, Words


def _read(inputs: FeatureInputs) -> NDArray[np.float64]:
    return inputs.sum("contacts")


FEATURE = Feature(
    about="contacts with the shop, long ago counting less",
    unit="contacts",
    read=_read,
    sums=("contacts",),
    words=Words(
        contrast=Contrast.RATIO,
        phrase="gets in touch {ratio} as often as is typical",
        none="hardly ever gets in touch",
        part=NamePart.NOUN,
        high="help-seekers",
        more="who get in touch more",
        less="who get in touch less",
        high_from=0.1,
    ),
)
