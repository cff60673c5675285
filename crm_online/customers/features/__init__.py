"""Features: what a segment is made of, one file each.

A feature is read from a customer's record at one time. To add one, add a file to this folder with a
module-level ``FEATURE`` (see any of the others); it is found by its file name, which is its name in
settings, topics and exports.
"""

from __future__ import annotations

from crm_online.customers.features.feature import Feature
from crm_online.customers.features.reading import Reading
from crm_online.customers.features.registry import FEATURES, features_in_use, read_features

__all__ = ["FEATURES", "Feature", "Reading", "features_in_use", "read_features"]
