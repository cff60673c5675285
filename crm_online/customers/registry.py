"""The features by name: every module of the folder ``features`` has one."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from crm_online.customers import features as folder
from crm_online.customers.feature import Feature
from crm_online.customers.inputs import FeatureInputs
from crm_online.customers.sums import SUMS, Quantity


def _found() -> dict[str, Feature]:
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return {name: import_module(f"{folder.__name__}.{name}").FEATURE for name in names}


def _sums(features: dict[str, Feature]) -> dict[str, Quantity]:
    every = dict(SUMS)
    for name, feature in features.items():
        again = every.keys() & feature.adds.keys()
        if again:
            raise TypeError(f"feature {name} adds sums that there are already: {sorted(again)}")
        every |= feature.adds
    for name, feature in features.items():
        unknown = set(feature.sums) - every.keys()
        if unknown:
            raise TypeError(f"feature {name} reads sums that do not exist: {sorted(unknown)}")
    return every


FEATURES: dict[str, Feature] = _found()
"""Every feature there is, by name."""

QUANTITIES: dict[str, Quantity] = _sums(FEATURES)
"""Every decayed sum that a feature can read: the shared ones, then those that features add."""


def features_in_use(names: Sequence[str]) -> tuple[dict[str, Feature], list[str]]:
    """Return the features of some names, and the sums that they read, each in a fixed order."""
    features = {name: FEATURES[name] for name in names}
    needed = {name for feature in features.values() for name in feature.sums}
    return features, [name for name in QUANTITIES if name in needed]


def read_features(features: dict[str, Feature], inputs: FeatureInputs) -> NDArray[np.float64]:
    """Return the features of a batch of customers in natural units, float64[n, d]."""
    columns = [feature.read(inputs) for feature in features.values()]
    return np.stack(columns, axis=1) if columns else np.zeros((len(inputs.records), 0))
