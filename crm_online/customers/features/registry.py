"""The features by name: every module of this folder that has a ``FEATURE``."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading
from crm_online.customers.sums import SUMS

_NOT_FEATURES = {"feature", "reading", "registry"}


def _found() -> dict[str, Feature]:
    package = __name__.rpartition(".")[0]
    found = {}
    for module in sorted(pkgutil.iter_modules(import_module(package).__path__), key=lambda module: module.name):
        if module.name in _NOT_FEATURES:
            continue
        feature: Feature = import_module(f"{package}.{module.name}").FEATURE
        unknown = set(feature.sums) - SUMS.keys()
        if unknown:
            raise TypeError(f"feature {module.name} reads sums that do not exist: {sorted(unknown)}")
        found[module.name] = feature
    return found


FEATURES: dict[str, Feature] = _found()
"""Every feature there is, by name."""


def features_in_use(names: Sequence[str]) -> tuple[dict[str, Feature], list[str]]:
    """Return the features of some names, and the sums that they read, each in a fixed order."""
    features = {name: FEATURES[name] for name in names}
    needed = {name for feature in features.values() for name in feature.sums}
    return features, [name for name in SUMS if name in needed]


def read_features(features: dict[str, Feature], reading: Reading) -> NDArray[np.float64]:
    """Return the features of a batch of customers in natural units, float64[n, d]."""
    columns = [feature.read(reading) for feature in features.values()]
    return np.stack(columns, axis=1) if columns else np.zeros((len(reading.records), 0))
