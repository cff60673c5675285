"""The owner's part of predictions: fits what predicts on the sample and on the labelled examples of all partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crm_online.btyd.model import fit_sample
from crm_online.customers.records import Records
from crm_online.engine.changes import to_json
from crm_online.engine.example_store import decode_block, ordered
from crm_online.predictions.examples import PURCHASE, LabelledExamples
from crm_online.predictions.keys import NAME, VERSION_NAME
from crm_online.predictions.models import TargetLearner, TargetModels
from crm_online.predictions.predictor import Predictor
from crm_online.step import Replace, Write


def learned(
    predictor: Predictor | None,
    horizon: int,
    partitions: int,
    sample: Records | None,
    labelled: Mapping[int, Sequence[bytes]],
    now: int,
) -> Predictor | None:
    """Return the next version, or ``None`` if there is nothing new to learn from.

    Parameters
    ----------
    predictor
        The version in use, if any.
    horizon
        Within which customers buy again or not, in ms.
    partitions
        How many there are.
    sample
        The sample of customers over all partitions, where the buy-till-you-die model is to be fitted.
    labelled
        By partition, the blocks of labelled examples as the store holds them.
    now
        Event time in ms.
    """
    consumed = list(predictor.consumed) if predictor else [0] * partitions
    kept, new = dict[str, list[LabelledExamples]](), dict[str, list[LabelledExamples]]()
    for partition, blocks in sorted(labelled.items()):
        before = consumed[partition]
        for raw in blocks:
            number, block = decode_block(raw)
            (kept if number < before else new).setdefault(block.target, []).append(block)
            consumed[partition] = max(consumed[partition], number + 1)
    buying, fitted_at = (predictor.buying, predictor.fitted_at) if predictor else (None, 0)
    if sample is not None:
        buying, fitted_at = fit_sample(sample, now, buying) or buying, now
    elif not new:
        return None
    targets = dict(predictor.targets) if predictor else {}
    thresholds = dict(predictor.thresholds) if predictor else {}
    for target in sorted(new):
        block, known = LabelledExamples.concatenated(new[target]), ordered(kept.get(target, []))
        if not len(block):
            continue
        models = targets.get(target) or TargetModels(target)
        if models.version == 0:
            # The first outcomes may be all the same. Until something is fitted, what is a yes can still be said anew.
            thresholds[target] = _threshold(LabelledExamples.concatenated([known, block] if known else [block]))
        threshold = thresholds[target]
        learner = TargetLearner(models, known and known.above(threshold))
        learner.learn(block.above(threshold), now)
        targets[target] = learner.models
    if buying is None and not targets:
        return None
    version = predictor.version + 1 if predictor else 1
    return Predictor(version, horizon, consumed, buying, targets, thresholds, fitted_at)


def levelled(before: Predictor | None, newer: Predictor, sample: Records, now: int) -> Predictor:
    """Return a version whose freshly fitted purchase probabilities have the mean of the model that needs no labels.

    Parameters
    ----------
    before, newer
        The version in use, if any, and the one after it.
    sample
        The sample of customers over all partitions.
    now
        Event time in ms.
    """
    models = newer.purchase
    if newer.buying is None or not len(sample) or models.version == (before.purchase.version if before else 0):
        return newer
    found = newer.predict(sample, now)
    ensemble = models.ensemble.levelled(found.chance, found.forecast.purchase)
    return replace(newer, targets={**newer.targets, PURCHASE: replace(models, ensemble=ensemble)})


def _threshold(known: LabelledExamples) -> float:
    """Return the threshold above which a label counts as yes: 0.5 for labels 0 and 1, else their median.

    Where nothing is above the median, as where most gave five stars of five, it is the largest number below it.
    """
    y = known.y.astype(np.float64)
    if np.isin(y, (0.0, 1.0)).all():
        return 0.5
    median = float(np.median(y))
    below = y[y < median]
    return float(below.max()) if len(below) and not (y > median).any() else median


def stored(predictor: Predictor) -> list[Write]:
    """Return the writes that store a version where all partitions read it."""
    return [
        Replace(NAME, predictor.encode()),
        Replace(VERSION_NAME, to_json({"version": predictor.version})),
    ]
