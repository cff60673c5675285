"""Learning of a target: judge by what was predicted, keep a bounded number of labelled examples, fit on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from crm_online.errors import StateCorrupt
from crm_online.predictions.arrays import pack, unpack
from crm_online.predictions.examples import LabelledExamples
from crm_online.predictions.models.figures import judge, judge_curves
from crm_online.predictions.models.logistic import Logistic
from crm_online.predictions.models.target import TargetModels

KEPT: Final = 20_000
"""Labelled examples that are kept at most: the latest."""
FEWEST: Final = 50
"""Examples of the rarer answer without which nothing is fitted."""
PERIOD: Final = 30 * 86_400_000
"""Length in ms of the periods over which figures are shown."""


@dataclass(slots=True)
class TargetLearner:
    """What the owner of a target's models holds.

    Attributes
    ----------
    models
        The latest version.
    kept
        The labelled examples that are learned from, in the order of their labels.
    """

    models: TargetModels
    kept: LabelledExamples | None = None

    def learn(self, block: LabelledExamples, now: int) -> None:
        """Judge the models by a block of labelled examples, add it to what is kept, and fit a new version.

        Parameters
        ----------
        block
            Examples whose labels have become known; their order within the block does not matter.
        now
            Event time in ms; not before any label of the block.
        """
        if not len(block):
            return
        rows = np.lexsort((np.array(block.customers), block.moment, block.labelled_at))
        known = [block.take(rows)] if self.kept is None else [self.kept, block.take(rows)]
        kept = LabelledExamples.concatenated(known)
        self.kept = kept.take(np.arange(max(0, len(kept) - KEPT), len(kept)))
        self.models = self._fitted(self.kept, now)

    def forget(self, customers: Collection[str]) -> None:
        """Remove customers' examples from what is kept."""
        if self.kept is not None:
            self.kept = self.kept.without(customers)

    def _fitted(self, kept: LabelledExamples, now: int) -> TargetModels:
        y = kept.y.astype(np.float64)
        if min(y.sum(), (1 - y).sum()) < FEWEST:
            return self.models.judged(judge(kept, self.models.weights, PERIOD), judge_curves(kept))
        blank = TargetModels(self.models.target)
        together = blank.scaled(kept.x.astype(np.float64), kept.btyd.astype(np.float64))
        spread = together.std(axis=0)
        scaled = TargetModels(
            self.models.target,
            version=self.models.version + 1,
            examples=len(kept),
            as_of=now,
            mean=together.mean(axis=0),
            spread=np.where(spread > 0, spread, 1.0),
        )
        x = scaled.scaled(kept.x.astype(np.float64), kept.btyd.astype(np.float64))
        btyd = Logistic.fit(x[:, -1:], y)
        slope = float(btyd.coefficients[0] / scaled.spread[-1])
        weights = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        return TargetModels(
            target=scaled.target,
            version=scaled.version,
            examples=scaled.examples,
            as_of=now,
            mean=scaled.mean,
            spread=scaled.spread,
            fitted={"logistic": Logistic.fit(x, y)},
            calibration={
                "btyd": (slope, float(btyd.intercept[0]) - slope * float(scaled.mean[-1])),
                "logistic": (1.0, 0.0),
            },
            weights=weights,
            groups=judge(kept, weights, PERIOD),
            curves=judge_curves(kept),
        )

    def encode(self) -> bytes:
        """Return what is stored: JSON and plain arrays."""
        kept = b"" if self.kept is None else self.kept.encode()
        return pack({}, {"models": _bytes(self.models.encode()), "kept": _bytes(kept)})

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what :meth:`encode` wrote.

        Raises
        ------
        StateTooNew, StateCorrupt
            If a newer version wrote it, or none.
        """
        _, arrays = unpack(raw)
        try:
            models, kept = arrays["models"].tobytes(), arrays["kept"].tobytes()
        except KeyError as error:
            raise StateCorrupt("the models of predictions cannot be read") from error
        return cls(TargetModels.decode(models), LabelledExamples.decode(kept) if kept else None)


def _bytes(raw: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(raw, np.uint8)
