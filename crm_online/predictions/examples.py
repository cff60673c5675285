"""Examples: customers' features at moments of event time, with what was predicted then, and later with the outcome."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.predictions.arrays import pack, unpack

PURCHASE = "purchase"
"""The target that every shop has: whether a customer buys again within the horizon."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledExamples:
    """Examples of one target, in the order in which their outcomes became known.

    Attributes
    ----------
    target
        What the label is of: ``purchase``, or the name of ``outcome`` events.
    customers
        Whose they are; n ids.
    x
        float32[n, d]: the features, as they stood at the moment, see :mod:`crm_online.predictions.features`.
    btyd
        float32[n]: the chance of a purchase within the horizon by the buy-till-you-die model of the moment, not
        calibrated; NaN where there was no such model.
    predicted
        float32[n, m]: what each of the models in force at the moment predicted; NaN where there was none.
    segment
        int16[n]: number of the segment that the customer was reported in; 0 for none.
    moment, labelled_at
        int64[n]: event time, in ms, as of which the features are, and by which the outcome was known.
    y
        float32[n]: the outcome, 1 for yes; NaN while it is pending.
    """

    target: str
    customers: Sequence[str]
    x: NDArray[np.float32]
    btyd: NDArray[np.float32]
    predicted: NDArray[np.float32]
    segment: NDArray[np.int16]
    moment: NDArray[np.int64]
    labelled_at: NDArray[np.int64]
    y: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.customers)

    @classmethod
    def concatenated(cls, parts: Sequence[Self]) -> Self:
        """Return some examples of one target one after the other; of at least one part, with the same features."""
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
        return cls(parts[0].target, [name for part in parts for name in part.customers], **arrays)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return some of the examples."""
        arrays = {name: getattr(self, name)[rows] for name in _ARRAYS}
        return replace(self, customers=np.array(self.customers, np.object_)[rows].tolist(), **arrays)

    def without(self, customers: Collection[str]) -> Self:
        """Return the examples of all but some customers."""
        return self.take(np.array([name not in customers for name in self.customers], bool))

    def labelled(self, y: NDArray[np.float32], at: int) -> Self:
        """Return the examples with their outcomes, known by a time in ms."""
        return replace(self, y=y, labelled_at=np.full(len(self), at, np.int64))

    def above(self, threshold: float) -> Self:
        """Return the examples with yes or no for labels: whether they are above a threshold."""
        return replace(self, y=(self.y > threshold).astype(np.float32))

    def encode(self) -> bytes:
        """Return the examples as bytes."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return pack({"target": self.target, "customers": list(self.customers)}, arrays)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what :meth:`encode` wrote.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version, or none, wrote it.
        """
        head, arrays = unpack(raw)
        try:
            found = cls(head["target"], head["customers"], **arrays)
        except (KeyError, TypeError) as error:
            raise StateCorrupt("examples cannot be read") from error
        if {len(array) for array in arrays.values()} != {len(found)}:
            raise StateCorrupt("the columns of examples differ in length")
        return found


_ARRAYS = tuple(field.name for field in fields(LabelledExamples) if field.name not in ("target", "customers"))
