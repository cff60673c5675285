"""What a feature is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.sums import Quantity
from crm_online.segments.vectors import Transform
from crm_online.segments.vocabulary import Words


@dataclass(frozen=True, slots=True)
class Feature:
    """A number that describes a customer at one time.

    Parameters
    ----------
    about
        What it is, in words.
    unit
        Its unit, for people. ``days``, ``share`` (shown in per cent) and ``score`` are formatted; anything else,
        such as ``orders`` or ``money``, is shown as a bare number.
    read
        The numbers of a batch of customers, float64[n].
    sums
        Names of all decayed sums that it reads: shared ones of :mod:`crm_online.customers.sums`, or its own.
    adds
        Sums of its own, by name: the quantity that each event of a batch adds, before decay.
    transform
        ``LOG1P`` for quantities that spread over orders of magnitude, ``IDENTITY`` for shares.
    knee
        In natural units, where ``log1p(x / knee)`` turns from a straight line into a logarithm: smaller
        differences than that count by what they are, larger ones by their ratio.
    words
        How a segment that has much or little of it is described; made from the feature's name if there are none.

    See Also
    --------
    crm_online.customers.inputs.FeatureInputs : what ``read`` can read.
    crm_online.segments.vocabulary.Words : the words.
    """

    about: str
    unit: str
    read: Callable[[FeatureInputs], NDArray[np.float64]]
    sums: tuple[str, ...] = ()
    adds: Mapping[str, Quantity] = field(default_factory=dict)
    transform: Transform = Transform.LOG1P
    knee: float = 1.0
    words: Words | None = None
