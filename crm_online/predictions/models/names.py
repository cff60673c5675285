"""Names of the models, in the order of the columns of predictions."""

from typing import Final

MODELS: Final = ("btyd", "logistic", "tree", "svm", "net", "ensemble")
"""The models of each target. ``ensemble`` is the one that is acted on."""
